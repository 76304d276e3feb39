"""One year of a made-up world: everybody's sign-ins and the attacks between them, in order of time."""

from datetime import timedelta

from bench.risk_world.attackers import KINDS, Attackers
from bench.risk_world.geography import Geography, dice
from bench.risk_world.people import BEGIN, Person, Visit, World


def year(world: World, *, seed: int, is_stolen_too: bool = True) -> list[Visit]:
    """Make a year's visits. The same world and seed give the same visits."""
    geography = Geography()
    attackers = Attackers(world, geography, dice(f"attackers {seed}"))
    visits: list[Visit] = []
    for number in range(world.people):
        random = dice(f"person {seed} {number}")
        person = Person(number, world, geography, random)
        own = person.visits()
        visits.extend(own)
        # An attack comes at any point of the history, once there is one.
        for _ in range(world.attacks):
            nth = random.randrange(1, len(own))
            between = own[nth - 1].at + (own[nth].at - own[nth - 1].at) * random.random()
            attempts = attackers.attempts(person, own[nth - 1], (between - BEGIN) / timedelta(days=1))
            visits.extend(attempt for attempt in attempts if is_stolen_too or attempt.attack in KINDS)
    visits.sort(key=lambda visit: visit.at)
    return visits
