import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FinishedImage } from '@soci/registry-jobs';
import type { TestRegistry } from '@soci/test-registry';
import { REPORTS } from '../../run-report.ts';
import { ACCOUNT, REGION } from '../aws/aws-calls.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'packages', 'cli', 'bin', 'soci-index.js');
const HOST = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com`;

/** A finished `soci-index backfill`. */
export interface Backfill {
  readonly code: number;
  readonly stderr: string;
  /** The images in its state file. */
  readonly images: readonly FinishedImage[];
}

/**
 * Runs the built `soci-index backfill` against a test registry as if it were Amazon ECR.
 *
 * @param proxy - URL of a proxy that leads to the registry.
 */
export async function backfill(registry: TestRegistry, proxy: string, ...words: string[]): Promise<Backfill> {
  const state = join(mkdtempSync(join(REPORTS.stack.folder, 'backfill-')), 'state.jsonl');
  const args = [PROGRAM, 'backfill', '--plain-http', '--rate', '1000', '--state', state, ...words, `${HOST}/*`];
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
    HTTP_PROXY: proxy,
    NO_PROXY: '127.0.0.1',
  };
  const { code, stderr } = await new Promise<Omit<Backfill, 'images'>>((resolve) => {
    execFile(process.execPath, args, { env, maxBuffer: 1 << 26 }, (error, _, text) => {
      resolve({ code: error === null ? 0 : Number(error.code), stderr: text });
    });
  });
  const lines = readFileSync(state, 'utf8').trim().split('\n');
  const images = lines.map((line) => JSON.parse(line) as FinishedImage).filter(({ outcome }) => outcome !== undefined);
  return { code, stderr, images };
}
