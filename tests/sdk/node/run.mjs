// Does the operations of one job with the official SDK; see `sdk.rs` for the protocol.

import { createRequire } from 'node:module';
import { readFileSync, writeSync } from 'node:fs';

const require = createRequire(process.env.AISIX_NODE_FOLDER + '/');
const { OpenAI } = require('openai');
const { zodResponseFormat } = require('openai/helpers/zod');
const { z } = require('zod');

// What `parse` is asked to return.
const Event = z.object({ name: z.string(), participants: z.array(z.string()) });
const format = () => zodResponseFormat(Event, 'Event');

const plain = (value) => JSON.parse(JSON.stringify(value));

const operations = {
  chat: async (client, args) => plain(await client.chat.completions.create(args)),

  // The request id that the SDK shows its user.
  chat_id: async (client, args) => (await client.chat.completions.create(args))._request_id,

  // The headers, and how often the SDK tried again.
  chat_raw: async (client, args) => {
    let retries = -1;
    const counting = client.withOptions({
      fetch: (...request) => {
        retries += 1;
        return fetch(...request);
      },
    });
    const { response } = await counting.chat.completions.create(args).withResponse();
    return {
      headers: Object.fromEntries(response.headers),
      retries_taken: retries,
      status: response.status,
    };
  },

  chat_stream: async (client, args) => {
    const chunks = [];
    for await (const chunk of await client.chat.completions.create({ ...args, stream: true })) {
      chunks.push(plain(chunk));
    }
    return chunks;
  },

  // The accumulated completion, and the kinds of events on the way there.
  chat_stream_helper: async (client, { parse, ...args }) => {
    if (parse) args.response_format = format();
    const kinds = [];
    const seen = (kind) => () => kinds.at(-1) === kind || kinds.push(kind);
    const stream = client.chat.completions.stream(args);
    for (const kind of ['chunk', 'content.delta', 'content.done', 'refusal.delta']) {
      stream.on(kind, seen(kind));
    }
    stream.on('tool_calls.function.arguments.done', seen('tool_calls.function.arguments.done'));
    const final = await stream.finalChatCompletion();
    const message = final.choices[0].message;
    return {
      kinds,
      final: plain(final),
      content: message.content,
      parsed: plain(message.parsed ?? null),
      tool_calls: (message.tool_calls ?? []).map((call) => ({
        id: call.id,
        name: call.function.name,
        arguments: call.function.arguments,
      })),
    };
  },

  chat_parse: async (client, args) => {
    const completion = await client.chat.completions.parse({ ...args, response_format: format() });
    return plain(completion.choices[0].message.parsed);
  },

  embeddings: async (client, args) => plain(await client.embeddings.create(args)),

  models_list: async (client) => {
    const models = [];
    for await (const model of client.models.list()) models.push(plain(model));
    return models;
  },

  models_retrieve: async (client, { id }) => plain(await client.models.retrieve(id)),
};

const error = (exception) => ({
  class: exception.constructor.name,
  message: exception.message,
  status_code: exception.status ?? null,
  type: exception.type ?? null,
  code: exception.code ?? null,
  param: exception.param ?? null,
  request_id: exception.requestID ?? null,
  body: exception.error ?? null,
  retry_after: exception.headers?.get?.('retry-after') ?? null,
});

const job = JSON.parse(readFileSync(0, 'utf8'));
const client = (baseURL) =>
  new OpenAI({ baseURL, apiKey: job.api_key, maxRetries: job.max_retries, timeout: 60_000 });
const shared = client(job.base_url);

const results = [];
for (const { op, args, base_url } of job.ops) {
  try {
    results.push({ ok: await operations[op](base_url ? client(base_url) : shared, args) });
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
