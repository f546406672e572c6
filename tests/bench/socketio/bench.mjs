// How large the measurements beside Socket.IO and Express are.
export const FULL = {
    rounds: 3,
    people: 1000,
    soloists: 20, // one team of ten writes the history that is read, the other is only there
    seconds: 4,
    warm: 1.5,
    messages: 20_000,
    fillSeconds: 1,
    connections: 10_000,
};

export const QUICK = {
    rounds: 1,
    people: 60,
    soloists: 20,
    seconds: 1,
    warm: 0.5,
    messages: 2000,
    fillSeconds: 0.5,
    connections: 600,
};
