import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACCOUNT, REGION } from '../aws/aws-calls.ts';
import type { Policy } from '../iam/policy.ts';

/** Reads the policies of a folder and replaces their placeholders. */
export function readPolicies(folder: 'generated-names' | 'guide', stack: string, bucket: string): Policy[] {
  const path = join(import.meta.dirname, folder);
  return readdirSync(path).map((name) => {
    const text = readFileSync(join(path, name), 'utf8')
      .replaceAll('<Partition>', 'aws')
      .replaceAll('<Region>', REGION)
      .replaceAll('<AccountId>', ACCOUNT)
      .replaceAll('<StackName>', stack)
      .replaceAll('<Bucket>', bucket);
    return JSON.parse(text) as Policy;
  });
}
