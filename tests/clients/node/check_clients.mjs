// OpenAI's own client and Vercel's AI SDK, of the stage that the environment names.
import assert from "node:assert/strict";
import test from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, streamText } from "ai";
import OpenAI from "openai";

const { API_URL, API_KEY, MODEL } = process.env;
const baseURL = `${API_URL}/v1`;
const WRONG_KEY = "w".repeat(40);
const TOO_LONG = "sea ".repeat(2500);
const SYSTEM = "You answer in one short sentence.";
const TALK = [
  { role: "user", content: "What is the capital of France?" },
  { role: "assistant", content: "The capital of France is Paris." },
  { role: "user", content: "And of Italy?" },
];

function openai(apiKey = API_KEY) {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  return (more) =>
    client.chat.completions.create({
      model: MODEL,
      messages: [{ role: "system", content: SYSTEM }, ...TALK],
      max_tokens: 4,
      temperature: 0,
      ...more,
    });
}

test("openai: a conversation is the same whole and streamed", async () => {
  const whole = await openai()();
  let text = "";
  let usage;
  const stream = await openai()({ stream: true, stream_options: { include_usage: true } });
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.ok(text);
  assert.equal(text, whole.choices[0].message.content);
  assert.deepEqual(usage, whole.usage);
});

test("openai: what it is refused is its own error, with our code", async () => {
  const long = { messages: [{ role: "user", content: TOO_LONG }] };
  const refused = [
    [() => openai()(long), OpenAI.BadRequestError, "context_length_exceeded"],
    [() => openai(WRONG_KEY)(), OpenAI.AuthenticationError, "invalid_api_key"],
    [() => openai()({ frequency_penalty: 0.5 }), OpenAI.BadRequestError, "unsupported_parameter"],
    [() => openai()({ model: "other" }), OpenAI.NotFoundError, "model_not_found"],
  ];
  for (const [call, type, code] of refused) {
    await assert.rejects(call, (error) => error instanceof type && error.code === code);
  }
});

test("openai: its newer API is refused with the route to use", async () => {
  const client = new OpenAI({ baseURL, apiKey: API_KEY, maxRetries: 0 });
  const call = client.responses.create({ model: MODEL, input: "Hi" });
  await assert.rejects(call, /use POST \/v1\/chat\/completions \(there is no \/v1\/responses\)/);
});

const models = {
  "@ai-sdk/openai": (apiKey) => createOpenAI({ baseURL, apiKey }).chat(MODEL),
  "@ai-sdk/openai-compatible": (apiKey) =>
    createOpenAICompatible({ name: "mistral", baseURL, apiKey }).chatModel(MODEL),
};

for (const [name, model] of Object.entries(models)) {
  const asked = (apiKey = API_KEY) => ({
    model: model(apiKey),
    system: SYSTEM,
    messages: TALK,
    maxOutputTokens: 4,
    temperature: 0,
    maxRetries: 0,
  });

  test(`${name}: a conversation is the same whole and streamed`, async () => {
    const whole = await generateText(asked());
    let text = "";
    for await (const part of streamText(asked()).textStream) text += part;
    assert.ok(text);
    assert.equal(text, whole.text);
    assert.equal(whole.usage.outputTokens, 4);
    assert.equal(whole.finishReason, "length");
  });

  test(`${name}: what it is refused is its own error, in our words`, async () => {
    const refused = [
      [{ ...asked(), messages: [{ role: "user", content: TOO_LONG }] }, 400, /the prompt is too long/],
      [asked(WRONG_KEY), 401, /the key is wrong/],
      [{ ...asked(), frequencyPenalty: 0.5 }, 400, /leave out: `frequency_penalty`/],
    ];
    for (const [settings, status, words] of refused) {
      await assert.rejects(
        generateText(settings),
        (error) => APICallError.isInstance(error) && error.statusCode === status && words.test(error.message),
      );
    }
  });

  test(`${name}: a stream that is refused says so`, async () => {
    const errors = [];
    const onError = ({ error }) => errors.push(error);
    for await (const _ of streamText({ ...asked(WRONG_KEY), onError }).textStream);
    assert.match(errors[0].message, /the key is wrong/);
  });
}
