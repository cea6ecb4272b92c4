// The `openai` package: chat completions, responses, completions, embeddings, models.

import { collect, load, plain, runs } from './load.mjs';

const { OpenAI } = await load('openai');
const { zodResponseFormat } = await load('openai/helpers/zod');
const { z } = await load('zod');

// What `parse` is asked to return.
const Event = z.object({ name: z.string(), participants: z.array(z.string()) });
const format = () => zodResponseFormat(Event, 'Event');

export const client = ({ base_url, api_key, max_retries }) =>
  new OpenAI({ baseURL: base_url, apiKey: api_key, maxRetries: max_retries, timeout: 60_000 });

const CHAT_EVENTS = [
  'chunk',
  'content.delta',
  'content.done',
  'refusal.delta',
  'tool_calls.function.arguments.done',
];

export const operations = {
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

  chat_stream: async (client, args) =>
    collect(await client.chat.completions.create({ ...args, stream: true })),

  // The accumulated completion, and the kinds of events on the way there.
  chat_stream_helper: async (client, { parse, ...args }) => {
    if (parse) args.response_format = format();
    const { kinds, saw } = runs();
    const stream = client.chat.completions.stream(args);
    for (const kind of CHAT_EVENTS) stream.on(kind, () => saw(kind));
    const final = await stream.finalChatCompletion();
    const message = final.choices[0].message;
    return {
      kinds,
      final: plain(final),
      content: message.content,
      parsed: plain(message.parsed),
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

  responses: async (client, args) => plain(await client.responses.create(args)),

  responses_stream: async (client, args) =>
    collect(await client.responses.create({ ...args, stream: true })),

  // The final response, and the kinds of events on the way there.
  responses_stream_helper: async (client, args) => {
    const { kinds, saw } = runs();
    const stream = client.responses.stream(args);
    stream.on('event', (event) => saw(event.type));
    const final = await stream.finalResponse();
    return { kinds, final: plain(final), text: final.output_text };
  },

  completions: async (client, args) => plain(await client.completions.create(args)),

  completions_stream: async (client, args) =>
    collect(await client.completions.create({ ...args, stream: true })),

  embeddings: async (client, args) => plain(await client.embeddings.create(args)),

  models_list: async (client) => collect(client.models.list()),

  models_retrieve: async (client, { id }) => plain(await client.models.retrieve(id)),
};
