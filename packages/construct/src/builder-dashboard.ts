import { Dashboard, GraphWidget, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

/** Widgets that stand side by side. */
const HALF = 12;

/** What a dashboard shows. */
export interface BuilderDashboard {
  /** What became of images, in numbers. */
  readonly images: IMetric[];
  /** How long an index takes. */
  readonly indexingTime: IMetric;
  readonly generator: IFunction;
  readonly filter: IFunction;
}

/** Makes the dashboard of a builder: what became of images, how long that took, and how the functions do. */
export function createDashboard(
  scope: Construct,
  { images, indexingTime, generator, filter }: BuilderDashboard,
): Dashboard {
  return new Dashboard(scope, 'Dashboard', {
    widgets: [
      [
        new GraphWidget({ title: 'Images', left: images, width: HALF }),
        new GraphWidget({ title: 'Seconds an index', left: [indexingTime], width: HALF }),
      ],
      [
        new GraphWidget({
          title: 'Invocations and errors of the generator',
          left: [generator.metricInvocations(), generator.metricErrors()],
          width: HALF,
        }),
        new GraphWidget({
          title: 'Invocations and errors of the filter',
          left: [filter.metricInvocations(), filter.metricErrors()],
          width: HALF,
        }),
      ],
    ],
  });
}
