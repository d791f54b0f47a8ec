// A service that holds conversations and answers requests: run with a plan, it prints what it saw. Twin of
// _collector_program.py; how its collector is tuned, the flags of its runtime say.
'use strict';

const { readFileSync } = require('node:fs');
const { PerformanceObserver } = require('node:perf_hooks');

const MESSAGES = 20;
const ITEMS = 40;
const BODIES = 64;
const STRIDE = 7919;
const TOGETHER = 50; // requests after which the loop turns, as it does between requests: collections are told then

class Message {
  constructor(role, content, about, metadata) {
    Object.assign(this, { role, content, about, metadata });
  }
}

class Turn {
  constructor(body) {
    this.body = body;
    this.steps = body.items.map((item) => ({ turn: this, item }));
  }
}

function message(name) {
  return new Message('user', `${name} ${'x'.repeat(100)}`, [name], { name, tokens: 30 });
}

function body(number) {
  const items = Array.from({ length: ITEMS }, (_, each) => ({
    id: each,
    text: 'x'.repeat(60),
    scores: [((each * number) % 41) / 41, 0.5, 0.25, 0.125],
    tags: { kind: 'note' },
  }));
  return { id: number, items };
}

class Service {
  constructor(sessions) {
    this.sessions = Array.from({ length: sessions }, (_, session) =>
      Array.from({ length: MESSAGES }, (__, number) => message(`${session}-${number}`)));
    this.bodies = Array.from({ length: BODIES }, (_, number) => JSON.stringify(body(number)));
  }

  answer(number) {
    const turn = new Turn(JSON.parse(this.bodies[number % BODIES]));
    const messages = this.sessions[(number * STRIDE) % this.sessions.length];
    messages.shift();
    messages.push(message(`${turn.body.id}-${number}`));
    const best = turn.steps.reduce((one, other) => (other.item.scores[0] > one.item.scores[0] ? other : one));
    return JSON.stringify({ id: turn.body.id, best: best.item.id, of: best.turn.steps.length });
  }
}

async function main() {
  const plan = JSON.parse(process.argv[2]);
  const service = new Service(plan.sessions);
  const pauses = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) pauses.push(entry.duration / 1000);
  });
  const turned = () => new Promise((resolve) => setImmediate(resolve));
  observer.observe({ entryTypes: ['gc'] });
  const latencies = [];
  const cpu = process.cpuUsage();
  const began = performance.now();
  for (let number = 0; number < plan.requests; number += 1) {
    const asked = performance.now();
    service.answer(number);
    latencies.push((performance.now() - asked) / 1000);
    if (number % TOGETHER === 0) await turned();
  }
  const wall = (performance.now() - began) / 1000;
  const used = process.cpuUsage(cpu);
  await turned();
  await turned();
  observer.disconnect();
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
  console.log(JSON.stringify({
    latencies_s: latencies,
    pauses_s: pauses,
    wall_s: wall,
    cpu_s: (used.user + used.system) / 1e6,
    peak_bytes: Number(peak[1]) * 1024,
  }));
}

main();
