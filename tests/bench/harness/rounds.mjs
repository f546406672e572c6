// A scenario that fails is reported and the others go on.
export async function attempt(bench, scenario, round) {
    try {
        return await scenario.run(bench);
    } catch (error) {
        bench.progress.say(`${scenario.name}, round ${round}: ${error.message}`);
        return { failure: error.message };
    }
}

// All scenarios once, then again; the result has each one's rounds.
export async function measure(bench, scenarios) {
    const measured = new Map(scenarios.map((scenario) => [scenario, []]));
    for (let round = 1; round <= bench.sizes.rounds; round++) {
        for (const scenario of scenarios) measured.get(scenario).push(await attempt(bench, scenario, round));
    }
    return measured;
}
