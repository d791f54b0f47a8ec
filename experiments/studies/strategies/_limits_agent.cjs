// An agent that holds what a request needs, and may keep some of it: a line a request. Twin of _limits_agent.py; its
// limit is a flag of the runtime, beyond which the runtime ends the process: there is no error that it could catch.
'use strict';

const readline = require('node:readline');

const NUMBERS = 2 ** 20; // of eight bytes: a block is 8 MiB of the heap

const kept = [];

// So much memory, every page of it written.
function blocks(mib) {
  return Array.from({ length: mib / 8 }, () => new Array(NUMBERS).fill(0.5));
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line);
  const held = blocks(request.hold_mib);
  kept.push(...held.slice(0, request.keep_mib / 8));
  console.log('{"ok": true}');
});
