"""What memory has to say to a chat: the question that is asked of it, and what of its answer enters the prompt."""

from collections.abc import Sequence
from itertools import islice

from memoryos_core.chat.exchange import Prepared
from memoryos_core.chat.known_turns import ToolLoop
from memoryos_core.chat.messages import last_user_position, normalised, remembered_text
from memoryos_core.chat.turn_plan import TurnPlan
from memoryos_core.memory.block import frame_tokens, line_tokens
from memoryos_core.memory.excerpt import excerpt
from memoryos_core.memory.pack import pack
from memoryos_core.memory.recall import Question, Recall, Recalled
from memoryos_core.ranking.knowledge import KnowledgeHit
from memoryos_core.ranking.ranker import Hit
from memoryos_core.safety.redaction import Redactor
from memoryos_ports.clock import Clock
from memoryos_ports.llm import Message
from memoryos_ports.memory import Memory, MemoryKind, Page

MIN_COSINE = 0.1
"""Pages that are less near to the question than this, and share no word with it, do not enter a prompt: noise."""

MAX_PAGES = 20
"""The most pages that enter a prompt, however much room the budget leaves."""

_RECALLED: frozenset[MemoryKind] = frozenset({"page", "fact"})


class ChatRecall:
    """Asks memory the last question of a conversation, and chooses what is worth quoting."""

    def __init__(self, *, recall: Recall, clock: Clock, redactor: Redactor, budget_tokens: int) -> None:
        self._recall = recall
        self._clock = clock
        self._redactor = redactor
        self._budget_tokens = budget_tokens

    @property
    def embeds_locally(self) -> bool:
        """Whether a question stays on our own machines."""
        return self._recall.embeds_locally

    async def search(self, asked: Prepared, *, sensitive: bool, timeout_s: float) -> Recalled:
        """Return what answers the last user message, in time; nothing for a caller who does not read."""
        position = last_user_position(asked.messages)
        text = remembered_text(asked.messages[position]) if position is not None else ""
        if not text or not asked.caller.reads or asked.scope is None:
            return Recalled()
        question = Question(
            scope=asked.scope,
            text=text,
            asked_at=self._clock.now(),
            agent_id=asked.caller.agent_id,
            kinds=_RECALLED,
            sensitive=sensitive,
        )
        return await self._recall.search_or_degrade(question, timeout_s=timeout_s)

    async def memories(self, asked: Prepared, plan: TurnPlan | None, recalled: Recalled) -> list[Memory]:
        """Return what the block quotes: in a tool loop what it quoted before, so that it stays byte for byte."""
        if plan is not None and plan.loop is not None and asked.scope is not None and asked.caller.reads:
            return _as_quoted(await self._recall.memories(asked.scope, plan.loop.recalled), plan.loop)
        siblings = plan.supersedes if plan is not None else ()
        hits = [hit for hit in recalled.hits if hit.page.id not in siblings]
        apt = [hit for hit in recalled.knowledge if hit.memory.agent_id in (None, asked.caller.agent_id)]
        return self._choose(hits, apt, asked.messages)

    def _choose(
        self, hits: Sequence[Hit], knowledge: Sequence[KnowledgeHit], messages: tuple[Message, ...]
    ) -> list[Memory]:
        budget = self._budget_tokens - frame_tokens()
        carried = {self._as_stored(message) for message in messages} if hits else set()
        fresh = (
            hit for hit in hits if (hit.bm25 or hit.cosine >= MIN_COSINE) and normalised(hit.page.text) not in carried
        )
        return pack(list(islice(fresh, MAX_PAGES)), knowledge, budget_tokens=budget, cost=line_tokens)

    def _as_stored(self, message: Message) -> str:
        """Return the text that the page of a message has: what the prompt carries already is not quoted again."""
        return normalised(self._redactor.redact(remembered_text(message)))


def _as_quoted(memories: Sequence[Memory], loop: ToolLoop) -> list[Memory]:
    """Return memories as the block of a tool loop quoted them: of some pages only a stretch."""
    spans = loop.spans
    return [excerpt(m, spans[m.id]) if isinstance(m, Page) and m.id in spans else m for m in memories]
