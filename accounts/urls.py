from django.urls import path

from accounts import api, pages

urlpatterns = [
    path("oauth/token", api.TokenView.as_view(), name="oauth-token"),
    path("oauth/login", api.LoginView.as_view(), name="oauth-login"),
    path("sign-in", pages.SignIn.as_view(), name="sign-in"),
    path("sign-out", pages.SignOut.as_view(), name="sign-out"),
]
