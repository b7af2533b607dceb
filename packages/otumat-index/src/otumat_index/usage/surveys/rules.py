"""Pure decisions of surveys: what one may ask, and what of an answer counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otumat.errors import Invalid, Problem

QUESTIONS_MOST, CHOICES_LEAST, CHOICES_MOST = 5, 2, 10
QUESTION_MAX, CHOICE_MAX = 200, 80
WITH_ANSWERS = "yes-with-answers"
"""What the button says that sends answers, too; the plain `yes` sends none, whatever was chosen before."""
_FORM = 'A question is {"question": "…", "choices": ["…", "…"]}, each in one line.'


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and what may be said."""

    question: str
    choices: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {"question": self.question, "choices": list(self.choices)}


def read(told: object) -> list[Question]:
    """
    Questions as JSON has them: a list of `{"question": "…", "choices": ["…", "…"]}`.

    Raises:
        Invalid: With everything wrong with them.
    """
    if not isinstance(told, list):
        raise Invalid([Problem("survey.questions", "questions", "The questions are no list.")])
    problems = []
    if len(told) > QUESTIONS_MOST:
        message = f"There are {len(told)} questions; {QUESTIONS_MOST} are the most."
        problems.append(Problem("survey.many", "questions", message, hint="Fewer are answered more often."))
    found = [read_one(each, number, problems) for number, each in enumerate(told[: QUESTIONS_MOST + 1], start=1)]
    if problems:
        raise Invalid(problems)
    return found


def read_one(told: object, number: int, problems: list[Problem]) -> Question:
    field = f"question-{number}"
    if not isinstance(told, Mapping) or not isinstance(told.get("choices"), list):
        problems.append(Problem("survey.form", field, f"Question {number} has no list of choices.", hint=_FORM))
        return Question("", ())
    texts = [told.get("question"), *told["choices"]]
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        message = f"Question {number} is not written in plain lines of text."
        problems.append(Problem("survey.text", field, message, hint=_FORM))
        return Question("", ())
    made = Question(told["question"].strip(), tuple(choice.strip() for choice in told["choices"]))
    problems += [Problem("survey.question", field, f"Question {number} {what}.") for what in wrong_with(made)]
    return made


def wrong_with(made: Question) -> list[str]:
    """What cannot be, in words."""
    found = {
        "is empty": not made.question,
        f"is longer than {QUESTION_MAX} characters": len(made.question) > QUESTION_MAX,
        f"has fewer than {CHOICES_LEAST} choices": len(made.choices) < CHOICES_LEAST,
        f"has more than {CHOICES_MOST} choices": len(made.choices) > CHOICES_MOST,
        "has an empty choice": "" in made.choices,
        f"has a choice of more than {CHOICE_MAX} characters": any(len(each) > CHOICE_MAX for each in made.choices),
        "has a choice twice": len(set(made.choices)) < len(made.choices),
    }
    return [what for what, is_so in found.items() if is_so]


def from_form(fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """
    What `read` takes, from the fields of the page: `question-1`, `choices-1` with one a line; empty ones left out.

    >>> from_form({"question-2": "Where?", "choices-2": "Here\\r\\nThere"})
    [{'question': 'Where?', 'choices': ['Here', 'There']}]
    """
    found = []
    for number in range(1, QUESTIONS_MOST + 1):
        question, lines = fields.get(f"question-{number}", "").strip(), fields.get(f"choices-{number}", "").splitlines()
        choices = [line.strip() for line in lines if line.strip()]
        if question or choices:
            found.append({"question": question, "choices": choices})
    return found


def says_yes(form: Mapping[str, str]) -> bool:
    """Whether the form of a consent page says yes, with answers or without."""
    return form.get("answer", "") in ("yes", WITH_ANSWERS)


def given(form: Mapping[str, str]) -> Mapping[str, str]:
    """The fields with answers, of a form that was sent by the button that says so; of any other none."""
    return form if form.get("answer") == WITH_ANSWERS else {}


def chosen(questions: Sequence[Question], fields: Mapping[str, str]) -> dict[int, int]:
    """
    The choices in a form (`survey-0=1`: of the first question the second). What is no choice is no answer.

    >>> chosen([Question("Where?", ("Here", "There"))], {"survey-0": "1", "survey-1": "0"})
    {0: 1}
    """
    found = {}
    for number, each in enumerate(questions):
        text = fields.get(f"survey-{number}", "")
        if text.isascii() and text.isdigit() and int(text[:3]) < len(each.choices):
            found[number] = int(text[:3])
    return found
