// What a client that parses rate limits with the npm package ratelimit-header-parser makes of each answer's headers.
"use strict";

const { readFileSync } = require("node:fs");
const { parseRateLimit } = require("ratelimit-header-parser");

const answers = JSON.parse(readFileSync(0, "utf8"));
// fetch() hands out headers as this class.
const parsed = answers.map((headers) => parseRateLimit(new Headers(headers)) ?? null);
process.stdout.write(JSON.stringify(parsed));
