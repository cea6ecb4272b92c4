// The `ai` package, which speaks to the gateway through one of its vendors' packages.

import { load, plain } from './load.mjs';

const { generateText, jsonSchema, streamText, tool } = await load('ai');
const { createAnthropic } = await load('@ai-sdk/anthropic');
const { createOpenAI } = await load('@ai-sdk/openai');
const { createOpenAICompatible } = await load('@ai-sdk/openai-compatible');

export const client = ({ base_url, api_key, max_retries }) => {
  const options = { baseURL: base_url, apiKey: api_key };
  const compatible = createOpenAICompatible({ ...options, name: 'aisix', includeUsage: true });
  const openai = createOpenAI(options);
  const anthropic = createAnthropic(options);
  return {
    maxRetries: max_retries,
    via: {
      'openai-compatible': compatible,
      openai: openai.chat,
      'openai-responses': openai.responses,
      anthropic,
    },
  };
};

// What `ai` is asked for: `via` a vendor's package, with the tools in OpenAI's form.
const request = ({ via, maxRetries }, { via: name, model, tools = [], ...args }) => ({
  model: via[name ?? 'openai-compatible'](model),
  maxRetries,
  ...(tools.length > 0 && {
    tools: Object.fromEntries(
      tools.map(({ function: { name, description, parameters } }) => [
        name,
        tool({ description, inputSchema: jsonSchema(parameters) }),
      ]),
    ),
  }),
  ...args,
});

const result = async ({ text, reasoningText, toolCalls, finishReason, usage }) => ({
  text: await text,
  reasoning: (await reasoningText) ?? null,
  tool_calls: (await toolCalls).map(({ toolCallId, toolName, input }) => ({
    id: toolCallId,
    name: toolName,
    arguments: plain(input),
  })),
  finish_reason: await finishReason,
  usage: plain(await usage),
});

export const operations = {
  ai_generate: async (client, args) => result(await generateText(request(client, args))),

  ai_stream: async (client, args) => {
    let failure;
    const stream = streamText({
      ...request(client, args),
      // Errors are parts of the stream, and printed unless somebody takes them.
      onError: ({ error }) => {
        failure = error;
      },
    });
    const kinds = [];
    for await (const { type } of stream.fullStream) if (kinds.at(-1) !== type) kinds.push(type);
    if (failure) throw failure;
    return { kinds, ...(await result(stream)) };
  },
};
