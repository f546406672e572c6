// Three nodes, a Redis and a MongoDB server for the history checker, each node with a proxy of its own before each of the
// two; and the faults that are done to them.

import { setTimeout as sleep } from "node:timers/promises";
import { faketime, tidyFaketime } from "../lib/faketime.mjs";
import { startMongo, uriOf } from "../lib/mongo.mjs";
import { start, temporaryFolder } from "../lib/parleyd.mjs";
import { eventually } from "../lib/process.mjs";
import { startProxy } from "../lib/proxy.mjs";
import { startRedis } from "../lib/redis.mjs";
import { Violation } from "./checker.mjs";

const START_MS = 60_000; // a node is started again until it is up: as a supervisor would, while its database is away
const BAD = /ERROR:|WARNING: Thread|runtime error|command failed/;

class Node {
  constructor(cluster, name) {
    Object.assign(this, { cluster, name, clock: "", refusals: 0, lastLog: "" });
    this.dataDir = temporaryFolder();
  }

  async prepare() {
    const { redis, mongo } = this.cluster;
    this.redisProxy = await startProxy(redis.port);
    this.mongoProxy = await startProxy(mongo.port);
  }

  env() {
    return {
      PARLEY_STORE: this.mongoProxy.through(uriOf(this.cluster.mongo.uri, "parley")),
      PARLEY_BUS: this.redisProxy.through(this.cluster.redis.uri),
      PARLEY_NODE_NAME: this.name,
      PARLEY_RESUME_EVENTS: "400", // so that being too far behind happens as well
      PARLEY_LOG_LEVEL: "warn",
      // No clock runs backwards or jumps while the node lives.
      ...(this.clock && { ...faketime(), FAKETIME: this.clock }),
    };
  }

  /** Starts it, again and again until it is up. */
  async start() {
    this.server = await eventually(`the start of ${this.name}`, () => this.attempt(), START_MS, 100);
    this.listen ??= this.server.url.replace("http://", "");
    this.up = true;
  }

  async attempt() {
    try {
      return await start({ dataDir: this.dataDir, listen: this.listen, env: this.env() });
    } catch (error) {
      if (!/ended before it listened/.test(error.message)) throw error;
      this.refusals++;
      this.lastLog = error.message;
      this.check();
      return null;
    }
  }

  async kill() {
    this.up = false;
    await this.server.kill();
    tidyFaketime(this.server.pid);
    this.lastLog = this.server.log();
    this.check();
  }

  check() {
    const bad = this.lastLog.split("\n").find((line) => BAD.test(line));
    if (bad) throw new Violation(`the log of ${this.name} has: ${bad}`);
  }

  signal(signal) {
    process.kill(this.server.pid, signal);
  }

  async ready() {
    const answer = await fetch(`${this.server.url}/readyz`, { signal: AbortSignal.timeout(1000) }).catch((error) => ({ status: error.message }));
    return answer.status === 200 ? true : `${this.name}: ${answer.status} ${answer.text ? await answer.text() : ""}`;
  }
}

export class Cluster {
  constructor(names = ["one", "two", "three"]) {
    this.nodes = names.map((name) => new Node(this, name));
    this.counts = {}; // fault -> how often
  }

  async start() {
    [this.redis, this.mongo] = await Promise.all([startRedis(), startMongo()]);
    for (const node of this.nodes) {
      await node.prepare();
      await node.start();
    }
  }

  /** A node that a client may try: as a load balancer would choose, one that is not known to be down. */
  url(random) {
    const up = this.nodes.filter((node) => node.up);
    return random.pick(up.length > 0 ? up : this.nodes).server.url;
  }

  count(fault) {
    this.counts[fault] = (this.counts[fault] ?? 0) + 1;
  }

  get faults() {
    return Object.values(this.counts).reduce((a, b) => a + b, 0);
  }

  /** How long until every node is ready, in ms; a Violation if it takes longer than MS. */
  async healthy(ms) {
    const start = performance.now();
    for (;;) {
      const states = await Promise.all(this.nodes.map((node) => node.ready()));
      const spent = performance.now() - start;
      if (states.every((state) => state === true)) return spent;
      if (spent > ms) throw new Violation(`not all are ready ${ms} ms after the last fault:\n  ${states.filter((s) => s !== true).join("\n  ")}`);
      await sleep(20);
    }
  }

  async restartAll() {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await Promise.all(this.nodes.map((node) => node.start()));
  }

  async stop() {
    for (const node of this.nodes) {
      if (node.server) await node.kill();
      await node.redisProxy?.close();
      await node.mongoProxy?.close();
    }
    await Promise.all([this.redis?.kill(), this.mongo?.remove()]);
  }
}

// --- Faults: each does harm, waits, undoes it ---------------------------------------------------------------------------

const STOPPED_MS = 5000;

const nodeFaults = {
  "node killed (kill -9)": { weight: 6, run: (c, random, node) => restart(random, node, node.clock) },
  "node stopped 5 s (SIGSTOP)": {
    weight: 2,
    run: async (c, random, node) => {
      node.signal("SIGSTOP");
      await sleep(STOPPED_MS);
      node.signal("SIGCONT");
    },
  },
  "node killed, its clock 1 hour off": { weight: 2, run: (c, random, node) => restart(random, node, random.pick(["+1h", "-1h"])) },
  "node killed, its clock right": { weight: 1, run: (c, random, node) => restart(random, node, "") },
};

async function restart(random, node, clock) {
  await node.kill();
  node.clock = clock;
  await sleep(random.between(0, 300));
  await node.start();
}

const redisFaults = {
  "Redis killed (kill -9), back after a while, empty": {
    weight: 3,
    run: async ({ redis }, random) => {
      await redis.kill();
      await sleep(random.between(200, 2000));
      await redis.restart();
    },
  },
  "Redis restarted at once, empty": { weight: 3, run: ({ redis }) => redis.restart() },
  "Redis paused": {
    weight: 2,
    run: async ({ redis }, random) => {
      redis.pause();
      await sleep(random.between(300, 3000));
      redis.resume();
    },
  },
  "Redis cut off from one node": { weight: 4, run: (c, random) => through(random.pick(c.nodes).redisProxy, (p) => p.cut(), random.between(300, 3000)) },
  "Redis connections of one node hang": {
    weight: 2,
    run: (c, random) => through(random.pick(c.nodes).redisProxy, (p) => p.halfOpen(), random.between(300, 3000)),
  },
};

async function through(proxy, harm, ms) {
  harm(proxy);
  await sleep(ms);
  proxy.pass();
}

const mongoFaults = {
  "database killed (kill -9)": {
    weight: 2,
    run: async ({ mongo }, random) => {
      await mongo.kill();
      await sleep(random.between(100, 1500));
      await mongo.start();
    },
  },
  "database paused": {
    weight: 2,
    run: async ({ mongo }, random) => {
      await mongo.pause();
      await sleep(random.between(300, 3000));
      await mongo.resume();
    },
  },
  "database slowed to 300 ms": {
    weight: 1,
    run: async ({ nodes }, random) => {
      nodes.forEach((node) => node.mongoProxy.delay(150)); // there and back
      await sleep(random.between(1000, 3000));
      nodes.forEach((node) => node.mongoProxy.pass());
    },
  },
  "database connections reset in the middle of a commit": {
    weight: 6,
    run: async ({ nodes }, random) => {
      const { mongoProxy } = random.pick(nodes);
      mongoProxy.reset(random.pick(["request", "answer"]));
      await sleep(random.between(100, 500));
      mongoProxy.pass();
    },
  },
  "database cut off from one node": { weight: 2, run: (c, random) => through(random.pick(c.nodes).mongoProxy, (p) => p.cut(), random.between(300, 2000)) },
};

// --- What happens: several things go wrong at a time, each on a line of its own ---------------------------------------------

const weights = (faults) => Object.fromEntries(Object.entries(faults).map(([name, { weight }]) => [name, weight]));

/** Does harm until OVER(), and undoes the last of it. GAP: the longest time of calm between two faults of one line, in ms. */
export async function harm(cluster, random, over, { gap = 2500 } = {}) {
  let failed = false;
  const line = async (faults, calm, once = (name) => faults[name].run(cluster, random)) => {
    for (;;) {
      await sleep(random.between(100, calm));
      if (failed || over()) return;
      const name = random.weighted(weights(faults));
      await once(name);
      cluster.count(name);
    }
  };
  const onNode = async (name) => {
    const node = random.pick(cluster.nodes.filter((one) => !one.busy));
    node.busy = true;
    await nodeFaults[name].run(cluster, random, node);
    node.busy = false;
  };
  const lines = [
    line(nodeFaults, gap, onNode),
    line(nodeFaults, gap, onNode),
    line(redisFaults, gap),
    line(mongoFaults, gap * 2),
  ];
  lines.forEach((one) => one.catch(() => (failed = true)));
  const ends = await Promise.allSettled(lines); // nothing is being harmed any more when this returns
  const wrong = ends.find((end) => end.status === "rejected");
  if (wrong) throw wrong.reason;
}
