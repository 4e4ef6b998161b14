/** What the tests run besides our own code: real registries and their clients, AWS's own programs, the reference, linters. */
export type ToolName =
  | 'cdkNag'
  | 'crane'
  | 'docker-registry'
  | 'emulator'
  | 'linters'
  | 'moto'
  | 'node22'
  | 'node24'
  | 'openssl'
  | 'oras'
  | 'python'
  | 'reference'
  | 'referrers-registry'
  | 'registry'
  | 'ruler'
  | 'runtimeClient'
  | 'skopeo';

/** The variable by which run-suite.mjs tells the path of each tool: a JSON object, name to path. */
const VARIABLE = 'CONFORMANCE_TOOLS';

/** The path of a tool, or undefined if it is absent. */
export function findTool(name: ToolName): string | undefined {
  const tools = process.env[VARIABLE];
  if (tools === undefined) {
    throw new Error(
      `${VARIABLE} is not set: run these tests by \`npm run test:filter\`, \`test:lambda\`, \`test:real\` or \`test:stack\``,
    );
  }
  return (JSON.parse(tools) as Partial<Record<ToolName, string>>)[name];
}

/** The path of a tool without which a test must not run. */
export function toolPath(name: ToolName): string {
  const path = findTool(name);
  if (path === undefined) throw new Error(`${name} is absent`);
  return path;
}

/** Whether all of these tools are available. */
export function hasTools(...names: readonly ToolName[]): boolean {
  return names.every((name) => findTool(name) !== undefined);
}
