/** The house's colours: celadon (청자) on paper. Every text colour holds at least 4.5:1 on its ground. */
import { createTheme, type MantineColorsTuple } from '@mantine/core';

const celadon: MantineColorsTuple = [
  '#eaf6f4', '#d3eae6', '#a9d5ce', '#7cbfb5', '#55aba0', '#379a8e', '#1f8379', '#0f6763', '#0b5450', '#073f3d',
];
const ink: MantineColorsTuple = [
  '#c9d3d6', '#b3bfc3', '#8d9ba1', '#69777e', '#4a585f', '#36434a', '#28343a', '#1c262b', '#141d21', '#0d1417',
];

export const theme = createTheme({
  primaryColor: 'celadon',
  primaryShade: { light: 7, dark: 7 },
  colors: { celadon, dark: ink },
  black: '#16211f',
  fontFamily:
    "Pretendard, 'Pretendard Variable', 'Noto Sans KR', 'Noto Sans CJK KR', 'Apple SD Gothic Neo', 'Malgun Gothic', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'D2Coding', 'Noto Sans Mono CJK KR', Menlo, Consolas, monospace",
  headings: { fontWeight: '650' },
  defaultRadius: 'sm',
  respectReducedMotion: true,
  cursorType: 'pointer',
});
