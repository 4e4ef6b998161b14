/** Programs that the tests run: real registries and their clients, AWS programs, the reference, and linters. */
export type ToolName =
  | 'act'
  | 'actionlint'
  | 'awsCli'
  | 'builder'
  | 'cdkNag'
  | 'crane'
  | 'docker-registry'
  | 'emulator'
  | 'evaluate'
  | 'gitlabCiLocal'
  | 'go'
  | 'linters'
  | 'maven'
  | 'moto'
  | 'node22'
  | 'node24'
  | 'nodeCdk'
  | 'openssl'
  | 'oras'
  | 'python'
  | 'pythonCdk'
  | 'reference'
  | 'referrers-registry'
  | 'registry'
  | 'rsync'
  | 'ruler'
  | 'runc'
  | 'runtimeClient'
  | 'shellcheck'
  | 'skopeo'
  | 'terraform'
  | 'tflintRules'
  | 'umoci';

/** Variable with the path of each tool, set by run-suite.mjs: a JSON object, name to path. */
const VARIABLE = 'CONFORMANCE_TOOLS';

/** Returns the path of a tool, or undefined if it is missing. */
export function findTool(name: ToolName): string | undefined {
  const tools = process.env[VARIABLE];
  if (tools === undefined) {
    throw new Error(
      `${VARIABLE} is not set: run these tests by \`npm run test:filter\`, \`test:integrations\`, \`test:lambda\`, \`test:real\`, \`test:stack\` or \`test:standalone\``,
    );
  }
  return (JSON.parse(tools) as Partial<Record<ToolName, string>>)[name];
}

/** Returns the path of a tool that a test requires. */
export function toolPath(name: ToolName): string {
  const path = findTool(name);
  if (path === undefined) throw new Error(`${name} is missing`);
  return path;
}

/** Reports whether all of these tools are available. */
export function hasTools(...names: readonly ToolName[]): boolean {
  return names.every((name) => findTool(name) !== undefined);
}
