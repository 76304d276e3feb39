"""Telling the vendor's own systems what changed: endpoints, deliveries, and the way out of the house."""
