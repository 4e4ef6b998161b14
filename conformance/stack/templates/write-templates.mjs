// write-templates.mjs FOLDER [CDK-NAG]: writes the templates of the construct. With cdk-nag, also writes `cdk-nag.json`
// with its findings for all templates. NODE_PATH must contain the CDK of the construct for cdk-nag.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cdk } from './cdk.mjs';
import { STACKS } from './stacks.mjs';

const [folder, cdkNag] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), 'templates-'));
const found = [];
for (const [name, make] of Object.entries(STACKS)) {
  const outdir = join(scratch, name);
  const stack = synthesize(outdir, make);
  // The shipped plain templates are written by `npm run stack:package`.
  if (!name.startsWith('plain')) {
    writeFileSync(join(folder, `${name}.json`), readFileSync(join(outdir, `${stack.artifactId}.template.json`)));
  }
  if (cdkNag !== undefined) found.push(...readFindings(name, outdir));
}
if (cdkNag !== undefined) writeFileSync(join(folder, 'cdk-nag.json'), JSON.stringify(found, null, 2));
rmSync(scratch, { recursive: true });

function synthesize(outdir, make) {
  const app = new cdk.App({ analyticsReporting: false, outdir });
  const stack = make(app);
  if (cdkNag !== undefined) {
    const { AwsSolutionsChecks } = createRequire(import.meta.url)(cdkNag);
    cdk.Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  }
  try {
    app.synth();
  } catch (error) {
    // An app with findings ends with this error, after the templates are written.
    if (!error.message.includes('validation-report.json')) throw error;
  }
  return stack;
}

function readFindings(template, outdir) {
  const { pluginReports } = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'));
  const checks = pluginReports.find(({ pluginName }) => pluginName === 'AwsSolutions');
  if (checks === undefined) throw new Error(`cdk-nag did not check ${template}`);
  return checks.violations.flatMap(({ ruleName, violatingConstructs }) =>
    violatingConstructs.map(({ constructPath }) => ({ template, rule: ruleName, resource: constructPath })),
  );
}
