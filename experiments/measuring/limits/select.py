"""What this machine can do for a profile: the backend, the first that can enforce it in a fixed order, and what lacks.

`fourgig doctor` shows it and `fourgig run` goes by it: both ask `judge`.
"""

from __future__ import annotations

import msgspec

from experiments.errors import CannotEnforce
from experiments.measuring.limits.cgroup_v1 import CgroupV1
from experiments.measuring.limits.cgroup_v2 import CgroupV2, delegated
from experiments.measuring.limits.enclosing import Enclosing
from experiments.measuring.limits.interface import Availability, Backend
from experiments.measuring.limits.kernel import Kernel
from experiments.measuring.limits.none import Unenforced
from experiments.measuring.limits.room import Room, Shortage, shortages
from experiments.measuring.limits.systemd_scope import SystemdScope
from experiments.measuring.profiles import Profile


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What every backend says, the one to be used (`Unenforced` if none can), and what lacks behind the profile.

    A profile is enforced only where its limits hold and the machine gives what they allow.
    """

    profile: Profile
    surveyed: tuple[Availability, ...]
    backend: Backend
    room: Room
    shortages: tuple[Shortage, ...]

    @property
    def enforced(self) -> bool:
        """Whether a trial has the profile: no more of it, and no less."""
        return self.backend.enforced and not self.shortages

    @property
    def lacking(self) -> tuple[str, ...]:
        """What lacks, in a clause each."""
        return tuple(each.found for each in self.shortages)

    def obstacle(self) -> str:
        """Return why the profile is not enforced, and what to do about it; empty where it is."""
        if self.shortages:
            remedy = ", and ".join(each.remedy for each in self.shortages)
            return f"Trials would get less than the profile {self.profile.name}: {', '.join(self.lacking)}; {remedy}."
        if not self.backend.enforced:
            obstacles = "; ".join(f"{each.backend}: {each.reason}" for each in self.surveyed)
            ways = ways_to_enforce(self.profile)
            return f"Nothing here can enforce the profile {self.profile.name} ({obstacles}). {ways}"
        return ""

    def require(self, *, allow_unenforced: bool) -> None:
        """Raise `CannotEnforce` where the profile is not enforced and that is not allowed."""
        if not allow_unenforced and (obstacle := self.obstacle()):
            raise CannotEnforce(f"{obstacle} Or add --allow-unenforced: then every table says what did not hold.")


def backends(kernel: Kernel | None = None) -> list[Backend]:
    """Return every backend that enforces, the preferred one first."""
    shared = kernel or Kernel()
    return [CgroupV2(shared), SystemdScope(shared), CgroupV1(shared), Enclosing(shared)]


def judge(profile: Profile, kernel: Kernel | None = None) -> Judgement:
    """Ask every backend whether it can enforce ``profile`` here, and look at what there is for the one to be used."""
    asked = [(backend, backend.availability(profile)) for backend in backends(kernel)]
    chosen = next((backend for backend, answer in asked if answer.usable), Unenforced(kernel))
    room = chosen.room()
    return Judgement(
        profile=profile,
        surveyed=tuple(answer for _, answer in asked),
        backend=chosen,
        room=room,
        shortages=shortages(profile, room),
    )


def choose(profile: Profile, *, allow_unenforced: bool, kernel: Kernel | None = None) -> Backend:
    """Return the backend to use. Raises `CannotEnforce` where the profile is not enforced and that is not allowed."""
    judgement = judge(profile, kernel)
    judgement.require(allow_unenforced=allow_unenforced)
    return judgement.backend


def ways_to_enforce(profile: Profile) -> str:
    """Return the sentence that tells a person how to get limits."""
    both = profile.memory_bytes + profile.swap_bytes
    return (
        f"Run it as `{delegated()}`, or as root, or in a container "
        f"started with `docker run --memory {profile.memory_bytes} --memory-swap {both} --cpus {profile.cpus} …`."
    )
