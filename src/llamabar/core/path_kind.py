"""What a request is for, from its path (llama-swap API, section 2, inference routes)."""

from enum import Enum
from functools import lru_cache
from typing import Tuple


class PathKind(str, Enum):
    """The kind of answer that a request asks for."""

    TEXT = "text"
    TRANSCRIPTION = "transcription"
    SPEECH = "speech"
    IMAGE = "image"
    EMBEDDING = "embedding"
    RERANKING = "reranking"
    OTHER = "other"


_ENDINGS: Tuple[Tuple[PathKind, Tuple[str, ...]], ...] = (
    (PathKind.TEXT, ("completions", "/completion", "/messages", "/responses", "/infill")),
    (PathKind.TRANSCRIPTION, ("/audio/transcriptions", "/audio/translations", "/inference")),
    (PathKind.SPEECH, ("/audio/speech", "/tts")),
    (PathKind.IMAGE, ("/images/generations", "/images/edits", "/images/variations", "/txt2img", "/img2img")),
    (PathKind.EMBEDDING, ("/embeddings", "/embedding", "/embed")),  # the last one is from text-embeddings-inference
    (PathKind.RERANKING, ("/rerank", "/reranking")),
)


@lru_cache(maxsize=64)
def path_kind(path: str) -> PathKind:
    """Return the kind of a request; TEXT if the version doesn't report paths."""
    route = path.split("?", 1)[0].rstrip("/").lower()
    if not route:
        return PathKind.TEXT
    return next((kind for kind, endings in _ENDINGS if route.endswith(endings)), PathKind.OTHER)
