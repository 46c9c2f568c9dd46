// The other side of the rate limiter's benchmark: RateLimiterDynamo of rate-limiter-flexible (npm), unmodified, on a
// table of its own at AWS_ENDPOINT_URL. The config is JSON on stdin, the figures are JSON on stdout.
"use strict";

const { randomBytes } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");

// Where `make` puts what tests/clients/package-lock.json locks.
const installed = createRequire(join(__dirname, "../../.local/clients/node/package.json"));
const { DynamoDB, waitUntilTableExists } = installed("@aws-sdk/client-dynamodb");
const { RateLimiterDynamo } = installed("rate-limiter-flexible");

const DEFAULTS = {
    clients: 32,
    rounds: 20,
    checks_per_client: 4,
    points: 50,
    duration_seconds: 86400,
    sequential: 300,
    // A key's first check in a window is one call, its later ones are two: this says how many are first.
    sequential_keys: 30,
    // The library's own way to spare calls: a client remembers that a key is used up. It is off unless asked for.
    remember_used_up: false,
};
// For each call, as DynamoDB charges for an item of less than 1 KB; a write whose condition fails is charged too.
const WRITE_UNITS = { UpdateItem: 1, PutItem: 1, DeleteItem: 1 };
const READ_UNITS = { GetItem: 0.5 };
const WAIT_SECONDS = 30;

/** What the clients sent so far. */
const sent = { calls: {}, conditions_failed: 0, write_units: 0, read_units: 0 };

/** Counts each attempt of a client, the SDK's own retries among them. */
function counted(client) {
    const count = (next, context) => async (request) => {
        const command = context.commandName.replace(/Command$/, "");
        const charge = () => {
            sent.write_units += WRITE_UNITS[command] ?? 0;
            sent.read_units += (READ_UNITS[command] ?? 0) * (context.strong ? 2 : 1);
        };
        sent.calls[command] = (sent.calls[command] ?? 0) + 1;
        try {
            const answer = await next(request);
            charge();
            return answer;
        } catch (error) {
            // Anything else, such as throttling, is free.
            if (error.name === "ConditionalCheckFailedException") {
                sent.conditions_failed += 1;
                charge();
            }
            throw error;
        }
    };
    const consistency = (next, context) => (request) => {
        context.strong = request.input.ConsistentRead === true;
        return next(request);
    };
    client.middlewareStack.add(consistency, { step: "initialize", name: "consistency" });
    // The last step is inside the loop of retries, and sees what the answer was made of.
    client.middlewareStack.add(count, { step: "deserialize", priority: "high", name: "count" });
    return client;
}

/** What was sent until now, in total. */
function total() {
    const calls = Object.values(sent.calls).reduce((sum, count) => sum + count, 0);
    return { round_trips: calls, write_units: sent.write_units, read_units: sent.read_units };
}

/** What each of so many checks cost from one total to another. */
function cost(before, after, checks) {
    const each = (name) => (checks ? Number(((after[name] - before[name]) / checks).toFixed(4)) : 0);
    return Object.fromEntries(Object.keys(after).map((name) => [`${name}_per_check`, each(name)]));
}

/** One sandbox: connections and memory of its own. */
function sandbox(config, tableName) {
    const client = counted(new DynamoDB());
    const limiter = new RateLimiterDynamo({
        storeClient: client,
        tableName,
        // As a Lambda has it: the template made the table.
        tableCreated: true,
        ttlSet: true,
        points: config.points,
        duration: config.duration_seconds,
        inMemoryBlockOnConsumed: config.remember_used_up ? config.points : 0,
    });
    return { client, limiter };
}

/** "admitted", "refused", or "errors" when nobody knows. */
async function check(limiter, key) {
    try {
        await limiter.consume(key);
        return "admitted";
    } catch (refusal) {
        if (!(refusal instanceof Error)) return "refused";
        console.error(`${key}: ${refusal.name}: ${refusal.message}`);
        return "errors";
    }
}

/** All clients at once on one key, each one check after another. */
async function round(sandboxes, checks, key) {
    const outcomes = { admitted: 0, refused: 0, errors: 0 };
    const play = async ({ limiter }) => {
        for (let done = 0; done < checks; done += 1) outcomes[await check(limiter, key)] += 1;
    };
    await Promise.all(sandboxes.map(play));
    return outcomes;
}

/** How long each check took of one client alone. */
async function oneByOne({ limiter }, checks, keys) {
    const outcomes = { admitted: 0, refused: 0, errors: 0 };
    const latencies = [];
    for (let done = 0; done < checks; done += 1) {
        const began = performance.now();
        outcomes[await check(limiter, `alone-${done % keys}`)] += 1;
        latencies.push(performance.now() - began);
    }
    return { outcomes, latencies };
}

function percentile(latencies, percent) {
    const sorted = latencies.toSorted((one, other) => one - other);
    const at = Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1);
    return sorted.length ? Number(sorted[at].toFixed(2)) : 0;
}

async function bench(config, tableName) {
    const { clients, rounds, checks_per_client, points, sequential } = config;
    const sandboxes = Array.from({ length: clients }, () => sandbox(config, tableName));
    try {
        const began = total();
        const outcomes = [];
        for (let each = 0; each < rounds; each += 1) {
            outcomes.push(await round(sandboxes, checks_per_client, `round-${each}`));
        }
        const contended = total();
        const alone = await oneByOne(sandboxes[0], sequential, config.sequential_keys);
        const ended = total();

        const checks = rounds * clients * checks_per_client;
        const expected = Math.min(points, clients * checks_per_client);
        const sum = (of) => outcomes.reduce((all, outcome) => all + of(outcome), 0);
        return {
            admitted: outcomes.map(({ admitted }) => admitted),
            expected,
            over: sum(({ admitted }) => Math.max(admitted - expected, 0)),
            under: sum(({ admitted }) => Math.max(expected - admitted, 0)),
            errors: sum(({ errors }) => errors) + alone.outcomes.errors,
            calls: sent.calls,
            conditions_failed: sent.conditions_failed,
            ...cost(began, ended, checks + sequential),
            latency_ms: { p50: percentile(alone.latencies, 50), p99: percentile(alone.latencies, 99) },
            contended: cost(began, contended, checks),
            sequential: cost(contended, ended, sequential),
        };
    } finally {
        sandboxes.forEach(({ client }) => client.destroy());
    }
}

async function main() {
    // Without it the SDK would find the real AWS.
    if (!process.env.AWS_ENDPOINT_URL) throw new Error("AWS_ENDPOINT_URL is not set");
    const config = { ...DEFAULTS, ...JSON.parse(readFileSync(0, "utf8") || "{}") };
    const TableName = `flexible-${randomBytes(6).toString("hex")}`;
    const operator = new DynamoDB();
    await operator.createTable({
        TableName,
        AttributeDefinitions: [{ AttributeName: "key", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "key", KeyType: "HASH" }],
        BillingMode: "PAY_PER_REQUEST",
    });
    try {
        await waitUntilTableExists({ client: operator, maxWaitTime: WAIT_SECONDS, minDelay: 0.1 }, { TableName });
        process.stdout.write(`${JSON.stringify(await bench(config, TableName))}\n`);
    } finally {
        await operator.deleteTable({ TableName });
        operator.destroy();
    }
}

main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
