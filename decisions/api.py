"""The door of this room: may this call go ahead, and if not, what would make it?"""

from decisions.answers import status_of
from decisions.consuming import elevation_consumed
from decisions.drf import RequiredAction, decide_for, open_because, requires
from decisions.errors import FactsUnavailable
from decisions.evaluate import evaluate, preview
from decisions.outlook import Outlook, outlook
from decisions.own import NoPrincipal
from decisions.problems import RefusedByDecision, problem_response, refusal
from decisions.question import Answer, Context, Entity, Question
from decisions.sentences import for_person
from decisions.suspending import mark_refused

__all__ = [
    "Answer",
    "Context",
    "Entity",
    "FactsUnavailable",
    "NoPrincipal",
    "Outlook",
    "Question",
    "RefusedByDecision",
    "RequiredAction",
    "decide_for",
    "elevation_consumed",
    "evaluate",
    "for_person",
    "mark_refused",
    "open_because",
    "outlook",
    "preview",
    "problem_response",
    "refusal",
    "requires",
    "status_of",
]
