// The people and channels of a cluster's measurements, made once through the public API; all
// scenarios use one database.
import { Worlds } from '../harness/worlds.mjs';

export class ClusterWorlds extends Worlds {
    async fill(name, work) {
        await this.bench.withNodes(1, ([node]) => work(node), {
            free: true,
            settings: { PARLEY_PASSWORD_THREADS: '2' },
        });
    }

    // N accounts, a channel of all, one of those who write into the same one, teams of ten.
    async base() {
        const { people, soloists, writers } = this.bench.sizes;
        await this.fill('base', async (node) => {
            const accounts = await this.register(node, people);
            await this.makeHall(node, 'hall', accounts);
            await this.makeHall(node, 'writers', accounts.slice(0, writers));
            await this.makeTeams(node, accounts.slice(0, soloists));
        });
    }

    async history() {
        await this.get('base');
        await this.fillHistory('base');
    }
}
