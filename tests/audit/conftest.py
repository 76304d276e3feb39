from tests.isolation.conftest import tenants

__all__ = ["tenants"]
