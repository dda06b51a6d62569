// Return what a page says, what of it stands out from its background less than WCAG AA asks for, and how light it is.
() => {
  const WHITE = [255, 255, 255, 1];

  function parse(color) {
    const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
    return [red, green, blue, alpha];
  }

  function over(upper, lower) {
    const alpha = upper[3];
    return [0, 1, 2].map((place) => upper[place] * alpha + lower[place] * (1 - alpha)).concat(1);
  }

  function luminance(color) {
    const [red, green, blue] = color.slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  function background(element) {
    if (!element) return WHITE;
    const color = parse(getComputedStyle(element).backgroundColor);
    return color[3] === 1 ? color : over(color, background(element.parentElement));
  }

  function contrast(element, pseudo) {
    const ground = background(element);
    const [darker, lighter] = [luminance(ground), luminance(over(parse(getComputedStyle(element, pseudo).color), ground))]
      .sort((one, other) => one - other);
    return (lighter + 0.05) / (darker + 0.05);
  }

  function required(element) {
    const { fontSize, fontWeight } = getComputedStyle(element);
    const large = parseFloat(fontSize) >= (Number(fontWeight) >= 700 ? 18.66 : 24);
    return large ? 3 : 4.5;
  }

  function isRead(element) {
    const box = element.getBoundingClientRect();
    return element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && box.width > 1 && box.height > 1
      && !element.closest(":disabled, [aria-disabled=true], .visually-hidden") && !/^\p{Emoji}+$/u.test(element.textContent);
  }

  const hard = [];
  for (const element of document.body.querySelectorAll("*")) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    const pseudo = element.matches(":placeholder-shown") ? "::placeholder" : undefined;
    if (!(hasText || pseudo) || !isRead(element)) continue;
    const ratio = contrast(element, pseudo);
    if (ratio < required(element)) {
      hard.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className}: ${element.textContent.trim().slice(0, 40)}`);
    }
  }
  return { seen: document.body.innerText, hard, luminance: luminance(background(document.getElementById("channel-layout"))) };
}
