import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestLambda } from '@soci/test-aws';
import { unzip } from '../../lambda/bundle/unpacked.ts';
import { REPORT } from '../report.ts';
import type { DeployedFunction } from './deployed.ts';

/**
 * Makes a function in a Lambda for tests as it was deployed, with its code, handler, memory, time and environment.
 *
 * @param endpoints - Variables that lead it to this machine's registry and Lambda, in addition.
 */
export function createTestFunction(
  lambda: TestLambda,
  { FunctionName, Handler, MemorySize, Timeout, Environment }: DeployedFunction,
  zip: Buffer,
  endpoints: Readonly<Record<string, string>>,
): void {
  const folder = join(REPORT.folder, 'functions', FunctionName);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // Above the code that is deployed nothing says that it is of ES modules.
  writeFileSync(join(folder, '..', 'package.json'), '{}');
  for (const { name, content } of unzip(zip)) writeFileSync(join(folder, name), content);
  lambda.createFunction({
    name: FunctionName,
    folder,
    handler: Handler,
    memorySize: MemorySize,
    timeout: Timeout,
    environment: { ...Environment?.Variables, ...endpoints },
  });
}
