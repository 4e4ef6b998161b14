import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { REPORTS } from '../run-report.ts';
import { findTool } from '../tools/tools.ts';
import { PACKAGE_FOLDER, TEMPLATES_FOLDER } from './templates/templates.ts';

/** Writes the deployment package and all templates before the tests. */
export default function setUp(): void {
  REPORTS.stack.clear();
  const root = join(import.meta.dirname, '..', '..');
  const run = (...args: string[]) =>
    execFileSync(process.execPath, args, {
      // Standard error contains findings, which the tests report.
      stdio: 'pipe',
      // cdk-nag is in another folder and must load the CDK of the construct.
      env: { ...process.env, NODE_PATH: join(root, 'packages', 'construct', 'node_modules') },
    });
  run(join(root, 'apps', 'stack', 'dist', 'package.js'), PACKAGE_FOLDER);
  const cdkNag = findTool('cdkNag');
  run(join(import.meta.dirname, 'templates', 'write-templates.mjs'), TEMPLATES_FOLDER, ...(cdkNag ? [cdkNag] : []));
}
