import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestFunctionOptions, TestLambda } from '@soci/test-aws';
import { unzip } from '../../lambda/bundle/unpacked.ts';
import { REPORTS } from '../../run-report.ts';
import type { DeployedFunction } from './deployed.ts';

/**
 * Creates a function in a test Lambda with the code, handler, memory, timeout and environment of a deployed function.
 *
 * @param endpoints - Additional variables with the endpoints of the test registry and Lambda.
 */
export function createTestFunction(
  lambda: TestLambda,
  deployed: DeployedFunction,
  zip: Buffer,
  endpoints: Readonly<Record<string, string>>,
): void {
  lambda.createFunction(testFunctionOptions(deployed, zip, endpoints));
}

/** Unpacks the code of a deployed function, and returns the options for a test Lambda. */
export function testFunctionOptions(
  { FunctionName, Handler, MemorySize, Timeout, Environment }: DeployedFunction,
  zip: Buffer,
  endpoints: Readonly<Record<string, string>>,
): TestFunctionOptions {
  const functions = join(REPORTS.stack.folder, 'functions');
  mkdirSync(functions, { recursive: true });
  // Processes of an earlier function with this name may still read its folder.
  const folder = mkdtempSync(join(functions, `${FunctionName}-`));
  // Without this file, Node would use the package.json of this project, which declares ES modules.
  writeFileSync(join(functions, 'package.json'), '{}');
  for (const { name, content } of unzip(zip)) writeFileSync(join(folder, name), content);
  // Lambda has only texts, but moto keeps the values of parameters of type Number.
  const variables = Object.fromEntries(
    Object.entries(Environment?.Variables ?? {}).map(([name, value]) => [name, String(value)]),
  );
  return {
    name: FunctionName,
    folder,
    handler: Handler,
    memorySize: MemorySize,
    timeout: Timeout,
    environment: { ...variables, ...endpoints },
  };
}
