// A parent that has tasks done in processes: run with a plan as its argument, it prints what it saw. Twin of
// _spawning_program.py, for runtimes of JavaScript.
'use strict';

const { fork, spawn } = require('node:child_process');
const { readSync, writeSync } = require('node:fs');
const { createHash } = require('node:crypto');
const { once } = require('node:events');
const { text } = require('node:stream/consumers');

const LOADED = ['node:http', 'node:https', 'node:zlib', 'node:readline'];
const BLOCK = Buffer.alloc(1024);

function work(task) {
  const began = performance.now();
  let digest = Buffer.from(task.text);
  for (let each = 0; each < task.hashes; each += 1) {
    digest = createHash('sha256').update(BLOCK).update(digest).digest();
  }
  return { digest: digest.toString('hex'), work_s: (performance.now() - began) / 1000 };
}

// A worker: it loads what tasks need, and answers each by its number.
function serve() {
  LOADED.forEach((name) => require(name));
  process.on('message', ({ number, task }) => process.send({ number, reply: task && work(task) }));
}

// A worker as its parent has it; `ask` without a task is answered when the worker has loaded what it needs.
class Worker {
  constructor() {
    this.waiting = new Map();
    this.asked = 0;
    this.child = fork(__filename, ['task']);
    // Of a worker that has ended while something was asked, there will be no answer.
    this.child.on('exit', () => this.waiting.forEach(({ reject }) => reject(new Error('a worker ended'))));
    this.child.on('message', ({ number, reply }) => {
      this.waiting.get(number).resolve(reply);
      this.waiting.delete(number);
    });
  }

  ask(task) {
    const number = (this.asked += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      this.child.send({ number, task });
    });
  }

  async end() {
    const ended = once(this.child, 'exit');
    this.child.disconnect();
    await ended;
  }
}

// At most so many at once; the others wait in the order in which they came.
class Places {
  constructor(count) {
    this.free = count;
    this.queue = [];
  }

  async take() {
    if (this.free > 0) this.free -= 1;
    else await new Promise((resolve) => this.queue.push(resolve));
  }

  give() {
    if (this.queue.length > 0) this.queue.shift()();
    else this.free += 1;
  }
}

// A process for every task, as many at once as there are places.
async function spawned(plan) {
  const places = new Places(plan.workers);
  let started = 0;
  const way = async (task) => {
    await places.take();
    started += 1;
    const worker = new Worker();
    const reply = await worker.ask(task);
    await worker.end();
    places.give();
    return reply;
  };
  return { way, processes: () => started, end: async () => {} };
}

// Workers that are kept, each started when there is a task and no idle one; `warm` starts and loads them before.
async function pool(plan) {
  const places = new Places(plan.workers);
  const workers = [];
  const idle = [];
  const start = () => {
    workers.push(new Worker());
    return workers[workers.length - 1];
  };
  if (plan.warm) {
    for (let each = 0; each < plan.workers; each += 1) idle.push(start());
    await Promise.all(idle.map((worker) => worker.ask(null)));
  }
  const way = async (task) => {
    await places.take();
    const worker = idle.pop() || start();
    const reply = await worker.ask(task);
    idle.push(worker);
    places.give();
    return reply;
  };
  return { way, processes: () => workers.length, end: () => Promise.all(workers.map((worker) => worker.end())) };
}

// The pool of the source as it is listed: a full one hands out its oldest worker, and forgets it.
async function listed(plan) {
  const started = [];
  const kept = [];
  const get = () => {
    if (kept.length < plan.workers) {
      const worker = new Worker();
      started.push(worker);
      kept.push(worker);
      return worker;
    }
    return kept.shift();
  };
  return {
    way: (task) => get().ask(task),
    processes: () => started.length,
    end: () => Promise.all(started.map((worker) => worker.end())),
  };
}

// A small program for every task, whose output is read.
async function echo() {
  let started = 0;
  const way = async (task) => {
    started += 1;
    const child = spawn('/bin/echo', ['hi'], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.resume();
    const [status] = await once(child, 'close');
    if (status !== 0) throw new Error(`echo ended with status ${status}`);
    return work(task);
  };
  return { way, processes: () => started, end: async () => {} };
}

// A server of HTTP in as many processes as there are workers, which share its port; this process is its clients.
async function server(plan) {
  const cluster = require('node:cluster');
  const http = require('node:http');
  cluster.setupPrimary({ exec: __filename, args: ['serve'] });
  const workers = Array.from({ length: plan.workers }, () => cluster.fork());
  const [[{ port }]] = await Promise.all(workers.map((worker) => once(worker, 'listening')));
  const agent = new http.Agent({ keepAlive: true, maxSockets: plan.callers });
  const way = (task) => new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method: 'POST', agent }, (response) => {
      text(response).then((body) => resolve(JSON.parse(body)), reject);
    });
    request.on('error', reject);
    request.end(JSON.stringify(task));
  });
  const end = async () => {
    agent.destroy();
    const ended = workers.map((worker) => once(worker, 'exit'));
    workers.forEach((worker) => worker.kill());
    await Promise.all(ended);
  };
  return { way, processes: () => workers.length, end };
}

// A process of the server.
function listen() {
  const http = require('node:http');
  http.createServer((request, response) => {
    text(request).then((body) => response.end(JSON.stringify(work(JSON.parse(body)))));
  }).listen(0, '127.0.0.1');
}

const WAYS = { spawned, pool, listed, echo, server };

// Says which moment it is, and returns when it has been looked at.
function lookedAt(moment) {
  writeSync(1, `${moment}\n`);
  readSync(0, Buffer.alloc(16));
}

// Each caller asks once and then, when all have their answer, again and again for so many seconds: so what is kept has
// been started before that. A caller asks at least twice.
async function offered(way, plan) {
  const task = { text: 'x'.repeat(1000), hashes: plan.hashes };
  const wanted = work(task).digest;
  const rows = [];
  let worked = 0;
  const began = performance.now();
  const now = () => (performance.now() - began) / 1000;
  const ask = async () => {
    const asked = now();
    const reply = await way(task);
    if (reply.digest !== wanted) throw new Error('a task was answered with the result of another');
    rows.push([asked, now()]);
    worked += reply.work_s;
    return now();
  };
  const all = (call) => Promise.all(Array.from({ length: plan.callers }, call));
  await all(ask);
  lookedAt('serving');
  const goesOn = now();
  await all(async () => {
    while ((await ask()) < goesOn + plan.seconds);
  });
  lookedAt('served');
  return { rows, goes_on_s: goesOn, work_s: worked / rows.length };
}

async function drive(plan) {
  const held = Buffer.alloc(plan.parent_mib * 2 ** 20, 1);
  const { way, processes, end } = await WAYS[plan.way](plan);
  const seen = await offered(way, plan);
  seen.processes = processes();
  await end();
  if (held.length !== plan.parent_mib * 2 ** 20) throw new Error('the parent holds less than it should');
  console.log(JSON.stringify(seen));
}

if (process.argv[2] === 'task') serve();
else if (process.argv[2] === 'serve') listen();
else drive(JSON.parse(process.argv[2]));
