// The `@anthropic-ai/sdk` package: messages and their count of tokens.

import { collect, load, plain, runs } from './load.mjs';

const { Anthropic } = await load('@anthropic-ai/sdk');

export const client = ({ base_url, api_key, max_retries }) =>
  new Anthropic({
    // This SDK adds the version to the path by itself.
    baseURL: base_url.replace(/\/v1$/, ''),
    apiKey: api_key,
    maxRetries: max_retries,
    timeout: 60_000,
  });

// The body, and the headers that stand beside it as the Python SDK has them.
const split = ({ extra_headers, ...body }) => [body, { headers: extra_headers }];

export const operations = {
  messages: async (client, args) => plain(await client.messages.create(...split(args))),

  // The request id that the SDK shows its user.
  messages_id: async (client, args) => (await client.messages.create(...split(args)))._request_id,

  messages_stream: async (client, args) =>
    collect(await client.messages.create(...split({ ...args, stream: true }))),

  // The accumulated message, and the kinds of events on the way there.
  messages_stream_helper: async (client, args) => {
    const { kinds, saw } = runs();
    const stream = client.messages.stream(...split(args));
    stream.on('streamEvent', (event) => saw(event.type));
    return { final: plain(await stream.finalMessage()), kinds };
  },

  count_tokens: async (client, args) => plain(await client.messages.countTokens(...split(args))),

  // The count, and the headers that came with it.
  count_tokens_raw: async (client, args) => {
    const { data, response } = await client.messages.countTokens(...split(args)).withResponse();
    return { headers: Object.fromEntries(response.headers), count: plain(data) };
  },
};
