import type { App } from 'aws-cdk-lib';
import type { Node } from 'constructs';
import { SociIndexBuilderStack } from './soci-index-builder-stack.ts';
import { BOUNDARY_PATTERN } from './template-parameters.ts';

/** Names in the context, each with a value as it may be; what they say is what the parameters of the plain template say. */
const EXAMPLES = {
  stackName: 'Soci',
  filters: 'prod/*:*,dev:latest',
  indexVersion: 'V2',
  outputTag: '{tag}-soci',
  memorySize: '3538',
  permissionsBoundaryArn: 'arn:aws:iam::123456789012:policy/Boundary',
} as const;

type ContextName = keyof typeof EXAMPLES;

/** Makes the stack that the app's context asks for. @throws Error with the value that is wrong, and one that is not. */
export function stackOfContext(app: App): SociIndexBuilderStack {
  const filters = readText(app.node, 'filters');
  const indexVersion = readText(app.node, 'indexVersion');
  const outputTag = readText(app.node, 'outputTag');
  const memorySize = readText(app.node, 'memorySize');
  const permissionsBoundaryArn = readText(app.node, 'permissionsBoundaryArn') ?? 'none';
  if (memorySize !== undefined && !/^[0-9]+$/.test(memorySize)) throw wrong('memorySize', memorySize);
  if (!new RegExp(BOUNDARY_PATTERN).test(permissionsBoundaryArn)) {
    throw wrong('permissionsBoundaryArn', permissionsBoundaryArn);
  }
  // The construct checks the rest.
  return new SociIndexBuilderStack(app, readText(app.node, 'stackName') ?? EXAMPLES.stackName, {
    ...(filters !== undefined && { filters: filters.split(',') }),
    ...(indexVersion !== undefined && { indexVersion }),
    ...(outputTag !== undefined && { outputTag }),
    ...(memorySize !== undefined && { memorySize: Number(memorySize) }),
    ...(permissionsBoundaryArn !== 'none' && { permissionsBoundaryArn }),
  });
}

/** A text of the context; from a file it may be a number, or a list. */
function readText(node: Node, name: ContextName): string | undefined {
  const value: unknown = node.tryGetContext(name);
  if (value === undefined || typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',');
  throw wrong(name, value);
}

function wrong(name: ContextName, value: unknown): Error {
  return new Error(`${name} of the context: ${JSON.stringify(value)} cannot be: write -c ${name}='${EXAMPLES[name]}'`);
}
