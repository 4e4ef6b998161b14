import { execFileSync } from 'node:child_process';
import { REPORTS } from '../../run-report.ts';
import { toolPath } from '../../tools/tools.ts';
import { type TemplateName, templatePath } from '../templates/templates.ts';
import type { Finding } from './findings.ts';

/** Returns the findings of cfn-lint for a template. */
export function runCfnLint(template: TemplateName): Finding[] {
  // The script next to this Python contains the temporary path of its installation.
  const main = 'import sys; from cfnlint.runner import main; sys.exit(main())';
  const text = run(['-c', main, '--non-zero-exit-code', 'none', '--format', 'json', templatePath(template)]);
  const found = JSON.parse(text) as { Rule: { Id: string }; Location: { Path: string[] } }[];
  return found.map(({ Rule, Location }) => ({ template, rule: Rule.Id, resource: Location.Path.join('.') }));
}

/** Returns the findings of checkov for a template. It does not use the network. */
export function runCheckov(template: TemplateName): Finding[] {
  const flags = [
    '--framework',
    'cloudformation',
    '--compact',
    '--quiet',
    '--skip-download',
    '--soft-fail',
    '-o',
    'json',
  ];
  const text = run(['-m', 'checkov.main', '-f', templatePath(template), ...flags]);
  const { results, summary } = JSON.parse(text) as {
    results: { failed_checks: { check_id: string; resource: string }[] };
    summary: { passed: number; parsing_errors: number };
  };
  if (summary.passed === 0 || summary.parsing_errors > 0) throw new Error(`checkov cannot read ${template}: ${text}`);
  return results.failed_checks.map(({ check_id, resource }) => ({ template, rule: check_id, resource }));
}

function run(args: readonly string[]): string {
  // checkov reads its settings from the working folder.
  return execFileSync(toolPath('linters'), args, { cwd: REPORTS.stack.folder, encoding: 'utf8', maxBuffer: 1 << 26 });
}
