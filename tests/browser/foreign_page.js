// What a web page can make a browser send: each attempt resolves to what the page saw of it.
// `target` is the origin that is attacked, `api` the path of its REST API, `key` one of its keys.

const MOMENT = 400; // after this long, nothing more is going to happen to an element
const CREATE = "Action=CreateUser&Version=2010-05-08&UserName=mallory";

const settled = (promise) =>
  Promise.race([promise, new Promise((resolve) => setTimeout(resolve, 4000, "nothing"))]);

const read = async (url, options) => {
  try {
    const answer = await fetch(url, options);
    if (answer.type === "opaque") return "sent, and saw nothing of it";
    return `read ${answer.status} ${(await answer.text()).slice(0, 60)}`;
  } catch (error) {
    return `blocked (${error.message})`;
  }
};

const element = (name, attributes) =>
  settled(
    new Promise((resolve) => {
      const made = Object.assign(document.createElement(name), attributes);
      made.onload = () => resolve(`${name} loaded`);
      made.onerror = () => resolve(`${name} failed`);
      document.body.append(made);
    }),
  );

const form = async (url, type, fields) => {
  const frame = Object.assign(document.createElement("iframe"), { name: `frame-${type}` });
  document.body.append(frame);
  const made = Object.assign(document.createElement("form"), {
    action: url,
    method: "post",
    enctype: type,
    target: frame.name,
  });
  for (const [name, value] of Object.entries(fields)) {
    made.append(Object.assign(document.createElement("input"), { name, value }));
  }
  document.body.append(made);
  made.submit();
  await new Promise((resolve) => setTimeout(resolve, MOMENT));
  return "sent, and saw nothing of it";
};

const opened = (made, close) =>
  settled(
    new Promise((resolve) => {
      made.onopen = () => resolve("opened");
      made.onerror = () => resolve("failed");
    }),
  ).finally(() => made[close]());

const user = { Action: "CreateUser", Version: "2010-05-08", UserName: "mallory" };
const json = { "Content-Type": "application/x-amz-json-1.1" };

window.attempts = {
  "form": (target) => form(`${target}/`, "application/x-www-form-urlencoded", user),
  "form, text/plain": (target) => form(`${target}/`, "text/plain", user),
  "form, multipart, to reset": (target) =>
    form(`${target}/_ministack/reset`, "multipart/form-data", user),
  "fetch without a preflight": (target) =>
    read(`${target}/`, { method: "POST", body: new URLSearchParams(CREATE) }),
  "fetch without CORS": (target) =>
    read(`${target}/`, { method: "POST", mode: "no-cors", body: new URLSearchParams(CREATE) }),
  "fetch without CORS, to reset": (target) =>
    read(`${target}/_ministack/reset`, { method: "POST", mode: "no-cors" }),
  "fetch with a preflight": (target) =>
    read(`${target}/`, {
      method: "POST",
      headers: { ...json, "X-Amz-Target": "SageMaker.ListEndpoints" },
      body: "{}",
    }),
  "fetch with a preflight, PUT a bucket": (target) => read(`${target}/mallory`, { method: "PUT" }),
  "fetch of a REST API, with its key": (target, api, key) =>
    read(`${target}${api}/v1/models`, { headers: { Authorization: `Bearer ${key}` } }),
  "fetch of a REST API, chat as text": (target, api) =>
    read(`${target}${api}/v1/chat/completions`, { method: "POST", body: "{}" }),
  "fetch of a REST API, health": (target, api) => read(`${target}${api}/health`),
  "fetch of the playground": (target, api) => read(`${target}${api}/playground`),
  "fetch of the control plane's health": (target) => read(`${target}/_ministack/health`),
  "image": (target, api) => element("img", { src: `${target}${api}/health` }),
  "script": (target) => element("script", { src: `${target}/_ministack/health` }),
  "style sheet": (target) =>
    element("link", { rel: "stylesheet", href: `${target}/_ministack/health` }),
  "prefetch": (target) => element("link", { rel: "prefetch", href: `${target}/_ministack/health` }),
  "frame": (target, api) => element("iframe", { src: `${target}${api}/playground` }),
  "object": (target, api) => element("object", { data: `${target}${api}/playground` }),
  "beacon": async (target) => {
    navigator.sendBeacon(`${target}/`, new URLSearchParams(CREATE));
    await new Promise((resolve) => setTimeout(resolve, MOMENT));
    return "sent, and saw nothing of it";
  },
  "EventSource": (target, api) => opened(new EventSource(`${target}${api}/health`), "close"),
  "WebSocket": (target, api) =>
    opened(new WebSocket(`${target.replace("http", "ws")}${api}`), "close"),
};
