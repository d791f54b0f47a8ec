"""The traditional synchronous agent, written the way a competent engineer of that school would."""
