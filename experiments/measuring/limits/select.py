"""Choosing the backend: the first that can enforce the profile, in a fixed order."""

from __future__ import annotations

from experiments.errors import CannotEnforce
from experiments.measuring.limits.cgroup_v1 import CgroupV1
from experiments.measuring.limits.cgroup_v2 import CgroupV2, delegated
from experiments.measuring.limits.enclosing import Enclosing
from experiments.measuring.limits.interface import Availability, Backend
from experiments.measuring.limits.kernel import Kernel
from experiments.measuring.limits.none import Unenforced
from experiments.measuring.limits.systemd_scope import SystemdScope
from experiments.measuring.profiles import Profile


def backends(kernel: Kernel | None = None) -> list[Backend]:
    """Return every backend that enforces, the preferred one first."""
    shared = kernel or Kernel()
    return [CgroupV2(shared), SystemdScope(shared), CgroupV1(shared), Enclosing(shared)]


def survey(profile: Profile, kernel: Kernel | None = None) -> list[Availability]:
    """Ask every backend whether it can enforce ``profile`` here."""
    return [backend.availability(profile) for backend in backends(kernel)]


def choose(profile: Profile, *, allow_unenforced: bool, kernel: Kernel | None = None) -> Backend:
    """Return the backend to use. Raises `CannotEnforce` when none is usable and that is not allowed."""
    obstacles = []
    for backend in backends(kernel):
        availability = backend.availability(profile)
        if availability.usable:
            return backend
        obstacles.append(f"{availability.backend}: {availability.reason}")
    if allow_unenforced:
        return Unenforced()
    raise CannotEnforce(
        f"Nothing here can enforce the profile {profile.name} ({'; '.join(obstacles)}). "
        f"{ways_to_enforce(profile)} Or add --allow-unenforced: then every table says that no limit held."
    )


def ways_to_enforce(profile: Profile) -> str:
    """Return the sentence that tells a person how to get limits."""
    both = profile.memory_bytes + profile.swap_bytes
    return (
        f"Run it as `{delegated()}`, or as root, or in a container "
        f"started with `docker run --memory {profile.memory_bytes} --memory-swap {both} --cpus {profile.cpus} …`."
    )
