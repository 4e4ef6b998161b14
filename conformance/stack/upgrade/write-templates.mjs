// `npm run stack:released`: write-templates.mjs [FOLDER] writes the current templates, by default as those of the last release:
// the plain template, and one of the construct with every resource that keeps data, which are log groups and a queue.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cdk, plainTemplate, SociIndexBuilder } from '../templates/cdk.mjs';

const [folder = join(import.meta.dirname, 'released')] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'plain.json'), `${JSON.stringify(plainTemplate(), undefined, 2)}\n`);

const outdir = mkdtempSync(join(tmpdir(), 'template-'));
const app = new cdk.App({ analyticsReporting: false, outdir });
const stack = new cdk.Stack(app, 'Upgraded');
new SociIndexBuilder(stack, 'Soci', {
  filters: new cdk.CfnParameter(stack, 'Filters', { type: 'CommaDelimitedList', default: 'prod/*:*' }).valueAsList,
  deadLetterQueueEnabled: true,
  logRetention: cdk.aws_logs.RetentionDays.ONE_MONTH,
});
app.synth();
writeFileSync(join(folder, 'construct.json'), readFileSync(join(outdir, `${stack.artifactId}.template.json`)));
rmSync(outdir, { recursive: true });
