import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { matchesWildcards } from '../iam/policy.ts';

/** A finding of a linter. */
export interface Finding {
  /** Name of the template. */
  readonly template: string;
  /** Name of the rule. */
  readonly rule: string;
  /** The resource, as the linter names it. */
  readonly resource: string;
}

/** An accepted finding and the reason. `*` and `?` are wildcards. */
interface Suppression {
  readonly linter: 'cdk-nag' | 'checkov';
  readonly rule: string;
  /** Names of the templates with the finding. */
  readonly templates: readonly string[];
  readonly resource: string;
  readonly reason: string;
}

/** Returns the entries of `suppressions.json` for a linter. */
export function readSuppressions(linter: Suppression['linter']): Suppression[] {
  const all = JSON.parse(readFileSync(join(import.meta.dirname, 'suppressions.json'), 'utf8')) as Suppression[];
  return all.filter((suppression) => suppression.linter === linter);
}

/** Returns findings without a suppression, and suppressions without a finding. */
export function suppress(
  findings: readonly Finding[],
  suppressions: readonly Suppression[],
): { open: Finding[]; unused: string[] } {
  return {
    open: findings.filter((finding) => !suppressions.some((suppression) => isFor(suppression, finding))),
    unused: suppressions.flatMap((suppression) =>
      suppression.templates
        .filter((name) => !findings.some((finding) => finding.template === name && isFor(suppression, finding)))
        .map((name) => `${name}: ${suppression.rule} of ${suppression.resource}`),
    ),
  };
}

function isFor({ rule, templates, resource }: Suppression, finding: Finding): boolean {
  return (
    templates.includes(finding.template) &&
    matchesWildcards(rule, finding.rule) &&
    matchesWildcards(resource, finding.resource)
  );
}
