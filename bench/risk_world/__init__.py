"""A made-up world of people who sign in and of attackers, in which scorers of risk are compared."""
