// App for `cdk deploy`. Settings come from the context: `-c filters='prod/*:*,dev:latest' -c memorySize=3538`.
import { App } from 'aws-cdk-lib';
import { stackOfContext } from './stack-of-context.ts';

stackOfContext(new App());
