"""What happens, step by step, when a product asks? Told over real HTTP, and checked."""

from config.demo.tour.run import tour

__all__ = ["tour"]
