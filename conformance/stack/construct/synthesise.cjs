// synthesise.cjs FOLDER empty|functions|CONSTRUCT: runs a CDK app with an empty stack, two functions and a
// rule made with the CDK alone, or the construct in the given package. Prints the processor time in milliseconds, and the
// size of the scripts that it loaded. NODE_PATH must contain the CDK.
const { statSync } = require('node:fs');
const { App, aws_events, aws_events_targets, aws_lambda, Stack } = require('aws-cdk-lib');

const [outdir, what, assets] = process.argv.slice(2);
const app = new App({ analyticsReporting: false, outdir });
const stack = new Stack(app, 'Images');
if (what === 'functions') {
  const [filter] = ['filter', 'generator'].map(
    (name) =>
      new aws_lambda.Function(stack, name, {
        runtime: aws_lambda.Runtime.NODEJS_22_X,
        handler: 'index.handler',
        code: aws_lambda.Code.fromAsset(`${assets}/${name}.zip`),
      }),
  );
  const targets = [new aws_events_targets.LambdaFunction(filter)];
  new aws_events.Rule(stack, 'Rule', { eventPattern: { source: ['aws.ecr'] }, targets });
} else if (what !== 'empty') {
  const { SociIndexBuilder } = require(what);
  new SociIndexBuilder(stack, 'Soci', { filters: ['prod/*:*', '!*:*-test'] });
}
app.synth();
const { user, system } = process.cpuUsage();
const bytes = Object.keys(require.cache).reduce((sum, path) => sum + statSync(path).size, 0);
console.log(JSON.stringify({ processor: (user + system) / 1000, bytes }));
