// The npm package qsys-qrc-client: status, list, get, set, poll, auto-poll, errors.
"use strict";
const assert = require("node:assert");
const { default: QrcClient, commands } = require("qsys-qrc-client");

const [host, port, named] = process.argv.slice(2);
const giveUp = setTimeout(() => {
  console.error("qsys-qrc-client: no end after 30 s");
  process.exit(1);
}, 30_000);

/** Resolves with the first auto-poll update that `wanted` accepts. */
function update(client, group, wanted) {
  return new Promise((resolve) => {
    const poll = client.pollGroup(group, { rate: 0.05 });
    const subscription = poll.subscribe((data) => {
      const change = data.Changes.find(wanted);
      if (change) {
        setImmediate(() => subscription.unsubscribe());
        resolve(change);
      }
    });
  });
}

async function main() {
  const client = new QrcClient();
  const greeted = new Promise((resolve) => client.once("request", resolve));
  client.connect({ host, port: Number(port) });
  const greeting = await greeted;
  assert.strictEqual(greeting.method, "EngineStatus");

  const status = await client.send(commands.getStatus());
  assert.strictEqual(status.State, "Active");
  assert.deepStrictEqual(Object.keys(greeting.params), Object.keys(status));
  await client.send(commands.logon("anybody", "1234"));

  const components = await client.send(commands.getComponents());
  assert.ok(components.length > 0);
  let gain;
  for (const component of components) {
    const { Controls } = await client.send({
      method: "Component.GetControls",
      params: { Name: component.Name },
    });
    const found = Controls.find((control) => control.Type === "Float" && control.Direction === "Read/Write");
    if (found) {
      gain = { component: component.Name, ...found };
      break;
    }
  }
  assert.ok(gain, "no component with a number to write");

  const before = (await client.send(commands.getComponentControls(gain.component, [gain.Name]))).Controls[0];
  // "deepEqual" of the package's own tests: these keys and no others.
  assert.deepStrictEqual(Object.keys(before), ["Name", "String", "Value", "Position"]);
  const position = before.Position > 0.5 ? 0.25 : 0.75;
  assert.strictEqual(
    await client.send(commands.setComponentControls(gain.component, [{ Name: gain.Name, Position: position }])),
    true,
  );

  assert.strictEqual(await client.send(commands.addComponentControlsToGroup("foreign", gain.component, [gain.Name])), true);
  const first = await client.send(commands.pollGroup("foreign"));
  assert.strictEqual(first.Changes[0].Component, gain.component);
  assert.ok(Math.abs(first.Changes[0].Position - position) < 1e-6);
  assert.deepStrictEqual((await client.send(commands.pollGroup("foreign"))).Changes.filter((c) => c.Name !== gain.Name), []);

  const pushed = update(client, "foreign", (change) => Math.abs(change.Position - before.Position) < 1e-6);
  await client.send(commands.setComponentControls(gain.component, [{ Name: gain.Name, Position: before.Position }]));
  assert.strictEqual((await pushed).Name, gain.Name);
  assert.strictEqual(await client.send(commands.destroyGroup("foreign")), true);

  const [volume] = await client.send(commands.getNamedControls(named));
  const set = await client.send(commands.setNamedControl(named, { Position: volume.Position }));
  assert.strictEqual(set.Name, named);
  await assert.rejects(client.send(commands.getNamedControls("no such control")), /does not exist/);
  await assert.rejects(client.send(commands.pollGroup("foreign")), /does not exist/);
  await client.send(commands.noOp());

  client.destroy();
  clearTimeout(giveUp);
  console.log(`qsys-qrc-client: ${status.DesignName}, ${components.length} components; moved ${gain.component} ${gain.Name} and ${named}`);
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error("qsys-qrc-client:", error);
    process.exit(1);
  },
);
