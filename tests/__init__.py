"""The promises that Tiergate keeps, room by room."""
