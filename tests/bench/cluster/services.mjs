// The Redis and the MongoDB server of a run, and the processor time that they use.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { startMongo, uriOf } from '../../lib/mongo.mjs';
import { startRedis } from '../../lib/redis.mjs';

const TICKS_PER_SECOND = 100; // of /proc, on every Linux that we know

const read = (path) => {
    try {
        return readFileSync(path, 'utf8');
    } catch {
        return ''; // it has ended
    }
};

// Seconds that PID and its children, also those that have ended, have used.
function cpuSeconds(pid) {
    const fields = read(`/proc/${pid}/stat`).replace(/^.*\) /s, '').split(' ');
    const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks || 0), 0);
    const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean);
    return own / TICKS_PER_SECOND + children.reduce((sum, child) => sum + cpuSeconds(child), 0);
}

export class Services {
    static async start() {
        const services = new Services();
        services.run = randomBytes(4).toString('hex');
        services.mongo = await startMongo({ shared: true });
        services.redis = await startRedis(); // ends with this process
        return services;
    }

    // The URI of a database of this run.
    database(name) {
        return uriOf(this.mongo.uri, `${name}_${this.run}`);
    }

    // Processor seconds so far; what is somebody else's server counts nothing.
    cpu() {
        const pid = (name) => read(join(this.mongo.folder, name)).trim();
        const gateway = pid('gateway.pid');
        const database = pid('database.pid');
        return {
            redis: cpuSeconds(this.redis.pid),
            gateway: gateway === database ? 0 : cpuSeconds(gateway),
            database: cpuSeconds(database),
        };
    }

    // Nothing stays on a server that was given.
    async dropDatabases() {
        const client = await MongoClient.connect(this.mongo.uri);
        for (const name of ['parley_bench', 'peer_bench']) await client.db(`${name}_${this.run}`).dropDatabase();
        await client.close();
    }

    async stop() {
        if (process.env.PARLEY_TEST_MONGO) await this.dropDatabases();
        await this.redis.stop();
        await this.mongo.remove();
    }
}
