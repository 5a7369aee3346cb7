// Log in: the token goes to the station once, and a cookie stands for it from then on.
import { send } from "./station.js";

const form = document.getElementById("login");
const refused = document.getElementById("refused");

document.getElementById("enter").disabled = false; // before, a browser would put the token in the address
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, token } = form.elements;
  try {
    await send("/api/login", { name: name.value, token: token.value });
    location.assign("/");
  } catch (error) {
    refused.textContent = error.message;
    refused.hidden = false;
    token.value = "";
    token.focus();
  }
});
