// What a person does, sent to the sandbox, which delivers it to the bot as Slack would.

/** Do it; resolves to what came of it. Throws an Error whose message can be shown to the person. */
export async function act(name, what) {
  let answer;
  try {
    answer = await fetch(`/act/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(what),
    });
  } catch {
    throw new Error("The sandbox does not answer. Is `creditbot demo` still running?");
  }
  if (answer.status === 422) throw new Error((await answer.json()).refused);
  if (!answer.ok) throw new Error(`The sandbox answered ${answer.status}.`);
  return answer.json();
}
