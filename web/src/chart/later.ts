import {later} from '../parts/later';

export const Chart = later(() => import('./chart').then((m) => ({default: m.Chart})));
export const ChartNumbers = later(() => import('./numbers').then((m) => ({default: m.ChartNumbers})));
