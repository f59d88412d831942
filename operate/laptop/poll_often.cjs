// The CDK CLI asks every 5 s whether a stack is done, which none of its options changes. The embedded AWS
// is done within 1 s.
const { setTimeout: wait } = globalThis;
const { promisify } = require("node:util");

const waitBriefly = (callback, delay, ...rest) => wait(callback, delay === 5000 ? 200 : delay, ...rest);
waitBriefly[promisify.custom] = wait[promisify.custom];
globalThis.setTimeout = waitBriefly;
