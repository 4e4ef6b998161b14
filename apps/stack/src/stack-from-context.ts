import type { App } from 'aws-cdk-lib';
import type { Node } from 'constructs';
import { BOUNDARY_PATTERN } from './parameters/security.ts';
import { SociIndexBuilderStack } from './soci-index-builder-stack.ts';

/** Names of the context values, each with an example. They correspond to the parameters of the plain template. */
const EXAMPLES = {
  stackName: 'Soci',
  filters: 'prod/*:*,dev:latest',
  indexVersion: 'V2',
  outputTag: '{tag}-soci',
  recompress: 'zstd',
  spanSize: 'auto',
  useStoredProfile: 'true',
  memorySize: '3538',
  permissionsBoundaryArn: 'arn:aws:iam::123456789012:policy/Boundary',
} as const;

type ContextName = keyof typeof EXAMPLES;

/** Creates the stack from the context of the app. @throws Error with an invalid value and a valid example. */
export function stackFromContext(app: App): SociIndexBuilderStack {
  const filters = readText(app.node, 'filters');
  const indexVersion = readText(app.node, 'indexVersion');
  const outputTag = readText(app.node, 'outputTag');
  const recompress = readText(app.node, 'recompress');
  const spanSize = readText(app.node, 'spanSize');
  const useStoredProfile = readText(app.node, 'useStoredProfile');
  const memorySize = readText(app.node, 'memorySize');
  const permissionsBoundaryArn = readText(app.node, 'permissionsBoundaryArn') ?? 'none';
  if (memorySize !== undefined && !/^[0-9]+$/.test(memorySize)) throw invalid('memorySize', memorySize);
  if (spanSize !== undefined && !/^(?:auto|[0-9]+)$/.test(spanSize)) throw invalid('spanSize', spanSize);
  if (useStoredProfile !== undefined && !/^(?:true|false)$/.test(useStoredProfile)) {
    throw invalid('useStoredProfile', useStoredProfile);
  }
  if (!new RegExp(BOUNDARY_PATTERN).test(permissionsBoundaryArn)) {
    throw invalid('permissionsBoundaryArn', permissionsBoundaryArn);
  }
  // The construct validates the other values.
  return new SociIndexBuilderStack(app, readText(app.node, 'stackName') ?? EXAMPLES.stackName, {
    ...(filters !== undefined && { filters: filters.split(',') }),
    ...(indexVersion !== undefined && { indexVersion }),
    ...(outputTag !== undefined && { outputTag }),
    ...(recompress !== undefined && { recompress }),
    ...(spanSize !== undefined && { spanSize }),
    ...(useStoredProfile !== undefined && { useStoredProfile: useStoredProfile === 'true' }),
    ...(memorySize !== undefined && { memorySize: Number(memorySize) }),
    ...(permissionsBoundaryArn !== 'none' && { permissionsBoundaryArn }),
  });
}

/** Reads a string from the context. In cdk.json, the value can also be a number, a boolean or a list of strings. */
function readText(node: Node, name: ContextName): string | undefined {
  const value: unknown = node.tryGetContext(name);
  if (value === undefined || typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',');
  throw invalid(name, value);
}

function invalid(name: ContextName, value: unknown): Error {
  return new Error(
    `context value ${name} is invalid: ${JSON.stringify(value)}. Use for example -c ${name}='${EXAMPLES[name]}'`,
  );
}
