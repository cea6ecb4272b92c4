// Does the operations of one job with the official SDKs; see `sdk.rs` for the protocol.

import { readFileSync, writeSync } from 'node:fs';

// By the first word of an operation; what does not stand here is OpenAI's. Imported when it is
// asked for: each takes a while.
const SDKS = { ai: './ai.mjs', count: './anthropic.mjs', messages: './anthropic.mjs' };
const sdkOf = (op) => import(SDKS[op.split('_')[0]] ?? './openai.mjs');

const error = (exception) => ({
  class: exception.constructor.name,
  message: exception.message,
  // The last two are how `ai` spells the status and the body.
  status_code: exception.status ?? exception.statusCode ?? null,
  type: exception.type ?? null,
  code: exception.code ?? null,
  param: exception.param ?? null,
  request_id: exception.requestID ?? null,
  body: exception.error ?? exception.data ?? null,
  retry_after: exception.headers?.get?.('retry-after') ?? null,
});

const job = JSON.parse(readFileSync(0, 'utf8'));
const shared = new Map();
const clientOf = (sdk, base_url) => {
  if (base_url) return sdk.client({ ...job, base_url });
  if (!shared.has(sdk)) shared.set(sdk, sdk.client(job));
  return shared.get(sdk);
};

const results = [];
for (const { op, args, base_url } of job.ops) {
  try {
    const sdk = await sdkOf(op);
    results.push({ ok: await sdk.operations[op](clientOf(sdk, base_url), args) });
  } catch (exception) {
    results.push({ error: error(exception) });
  }
}
// `process.exit` would cut what the pipe has not taken yet.
for (let text = Buffer.from(JSON.stringify(results)); text.length > 0; ) {
  try {
    text = text.subarray(writeSync(1, text));
  } catch (exception) {
    if (exception.code !== 'EAGAIN') throw exception;
  }
}
process.exit(0);
